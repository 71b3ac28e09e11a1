import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';

import { h } from '../dom.ts';

export interface VirtualRows {
  /** Scrolls, and holds the rows that are in sight. */
  readonly element: HTMLElement;
  /** There are so many now; rows in sight are shown anew. */
  show(count: number): void;
  /** The first and last row in sight, or a little beyond. */
  range(): { readonly first: number; readonly last: number };
  scrollTo(index: number): void;
  close(): void;
}

export interface VirtualRowsOptions<Row extends HTMLElement> {
  readonly label: string;
  /** The height of a row: all have the same, wherever they are. */
  readonly rowHeight: () => number;
  /** Makes a row, of no item in particular: it will show others when it is scrolled. */
  readonly create: () => Row;
  readonly update: (row: Row, index: number) => void;
  /** Other rows are in sight than before. */
  readonly moved?: () => void;
  /** How many rows come before these in the table, with the headings. */
  readonly rowsBefore?: number;
}

/**
 * Rows of a table of which only those in sight exist: fifty thousand cost as much as thirty. For those who cannot see it, each
 * says which row it is.
 */
export function virtualRows<Row extends HTMLElement>(
  options: VirtualRowsOptions<Row>,
): VirtualRows {
  const body = h('div', { class: 'rows' });
  const element = h(
    'div',
    { class: 'rows-scroll', role: 'rowgroup', tabindex: 0, 'aria-label': options.label },
    body,
  );
  const inSight = new Map<number, Row>();
  const free: Row[] = [];
  const before = options.rowsBefore ?? 1;
  const virtualizer = new Virtualizer<HTMLElement, Row>({
    count: 0,
    getScrollElement: () => element,
    estimateSize: () => options.rowHeight(),
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    overscan: 8,
    onChange: () => draw(false),
  });
  let first = 0;
  let last = -1;
  const draw = (anew: boolean): void => {
    const items = virtualizer.getVirtualItems();
    body.style.height = `${virtualizer.getTotalSize()}px`;
    const wanted = new Set(items.map(({ index }) => index));
    for (const [index, row] of inSight) {
      if (wanted.has(index)) continue;
      // A row that has the focus stays, or the keyboard would be nowhere.
      if (row.contains(document.activeElement)) continue;
      inSight.delete(index);
      row.hidden = true;
      free.push(row);
    }
    for (const { index, start } of items) {
      let row = inSight.get(index);
      const made = row === undefined;
      if (row === undefined) {
        row = free.pop() ?? newRow();
        row.hidden = false;
        row.style.transform = `translateY(${start}px)`;
        row.setAttribute('aria-rowindex', String(index + 1 + before));
        inSight.set(index, row);
      }
      if (made || anew) options.update(row, index);
    }
    const moved = first !== (items[0]?.index ?? 0) || last !== (items.at(-1)?.index ?? -1);
    first = items[0]?.index ?? 0;
    last = items.at(-1)?.index ?? -1;
    if (moved) options.moved?.();
  };
  const newRow = (): Row => {
    const row = options.create();
    row.setAttribute('role', 'row');
    body.append(row);
    return row;
  };
  // The library's own bindings call these; it has no other names for them.
  // oxlint-disable-next-line no-underscore-dangle
  const unmount = virtualizer._didMount();
  // oxlint-disable-next-line no-underscore-dangle
  const settle = (): void => virtualizer._willUpdate();
  settle();
  return {
    element,
    show: (count) => {
      if (count !== virtualizer.options.count) {
        virtualizer.setOptions({ ...virtualizer.options, count });
        settle();
        for (const [index, row] of inSight) {
          if (index < count) continue;
          inSight.delete(index);
          row.hidden = true;
          free.push(row);
        }
      }
      draw(true);
    },
    range: () => ({ first, last }),
    scrollTo: (index) => virtualizer.scrollToIndex(index, { align: 'center' }),
    close: unmount,
  };
}
