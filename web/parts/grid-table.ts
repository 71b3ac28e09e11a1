import { fill, h } from '../dom.ts';
import { narrow } from './narrow.ts';
import { type VirtualRows, virtualRows } from './virtual-rows.ts';

export interface GridTable {
  readonly element: HTMLElement;
  readonly rows: VirtualRows;
  show(count: number): void;
  close(): void;
}

/** A table of any length: headings, rows of cells in the same columns, and what to say when there is none. */
export function gridTable<Cells extends Readonly<Record<string, HTMLElement>>>(options: {
  readonly kind: string;
  readonly label: string;
  readonly columns: readonly (keyof Cells & string)[];
  readonly titles: Readonly<Record<keyof Cells & string, string>>;
  readonly rowHeights: { readonly wide: number; readonly narrow: number };
  readonly cells: (row: HTMLElement) => Cells;
  readonly update: (row: HTMLElement, cells: Cells, index: number) => void;
  readonly moved?: () => void;
}): GridTable {
  const cellsOf = new WeakMap<HTMLElement, Cells>();
  const rows = virtualRows({
    label: options.label,
    rowHeight: () => options.rowHeights[narrow.matches ? 'narrow' : 'wide'],
    create: () => {
      const row = h('div', { class: 'grid-row' });
      const cells = options.cells(row);
      for (const column of options.columns) {
        const cell = cells[column];
        if (cell === undefined) continue;
        cell.setAttribute('role', 'cell');
        cell.classList.add(`cell-${column}`);
        row.append(cell);
      }
      cellsOf.set(row, cells);
      return row;
    },
    update: (row, index) => {
      const cells = cellsOf.get(row);
      if (cells !== undefined) options.update(row, cells, index);
    },
    ...(options.moved === undefined ? {} : { moved: options.moved }),
  });
  const empty = h('p', { class: 'empty quiet', hidden: true });
  const table = h(
    'div',
    { class: `grid-table grid-${options.kind}`, role: 'table', 'aria-label': options.label },
    h(
      'div',
      { role: 'rowgroup', class: 'grid-head' },
      h(
        'div',
        { class: 'grid-row', role: 'row', 'aria-rowindex': 1 },
        options.columns.map((column) =>
          h('div', { role: 'columnheader', class: `cell-${column}` }, options.titles[column]),
        ),
      ),
    ),
    rows.element,
  );
  const element = h('div', { class: 'grid-frame' }, table, empty);
  return {
    element,
    rows,
    show: (count) => {
      table.setAttribute('aria-rowcount', String(count + 1));
      table.hidden = count === 0;
      empty.hidden = count > 0;
      rows.show(count);
    },
    close: () => rows.close(),
  };
}

/** What an empty table says. */
export function sayWhenEmpty({ element }: GridTable, text: string): void {
  const empty = element.querySelector('.empty');
  if (empty !== null) fill(empty, text);
}
