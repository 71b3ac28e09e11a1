import type { ClusterData } from '#http/live-protocol.ts';

import { fill, h, keyed, setText } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { ownerColour, ranges } from './owners.ts';

/** A cell for each shard in the colour of its owner, and in words which those are. */
export function shardMap(): {
  readonly element: HTMLElement;
  show(data: ClusterData): void;
} {
  const cells = h('div', { class: 'cells', role: 'img' });
  const ownerless = h('span', { class: 'small quiet', hidden: true });
  const legend = h(
    'div',
    { class: 'map-legend', role: 'group', 'aria-label': t('cluster.legend') },
    ownerless,
  );
  const made = new Map<string, HTMLElement>();
  const words = h('dl', { class: 'map-words' });
  /** The node whose shards stand out. */
  let chosen: string | null = null;
  let shown: ClusterData | null = null;

  const mark = (): void => {
    if (shown === null) return;
    const { owners } = shown;
    const number = chosen === null ? -1 : owners.names.indexOf(chosen);
    cells.classList.toggle('choosing', number >= 0);
    for (const [shard, cell] of [...cells.children].entries()) {
      cell.classList.toggle('chosen', number >= 0 && owners.of[shard] === number);
    }
    for (const [name, button] of made) button.setAttribute('aria-pressed', String(name === chosen));
  };
  const choose = (name: string): void => {
    chosen = chosen === name ? null : name;
    mark();
  };

  return {
    element: h(
      'div',
      { class: 'shard-map' },
      legend,
      cells,
      h('details', {}, h('summary', {}, t('cluster.map.words')), words),
    ),
    show: (data) => {
      if (shown !== null && JSON.stringify(shown.owners) === JSON.stringify(data.owners)) return;
      shown = data;
      const { names, of } = data.owners;
      showCells(cells, data);
      const owned = names.map((name, number) => ({
        name,
        number,
        shards: of.flatMap((owner, shard) => (owner === number ? [shard] : [])),
      }));
      const nobody = of.flatMap((owner, shard) => (owner < 0 ? [shard] : []));
      keyed(legend, owned, {
        key: ({ name }) => name,
        create: ({ name }) =>
          h(
            'button',
            { type: 'button', class: 'small', 'data-owner': name, onclick: () => choose(name) },
            swatch(-1),
            `${name} `,
            h('b', { class: 'number' }),
          ),
        update: (button, { number, shards }) => {
          button.querySelector<HTMLElement>('i')?.style.setProperty('--owner', ownerColour(number));
          const count = button.querySelector('b');
          if (count !== null) setText(count, formatNumber(shards.length));
        },
        made,
      });
      ownerless.hidden = nobody.length === 0;
      fill(ownerless, swatch(-1), `${t('cluster.nobody')} ${formatNumber(nobody.length)}`);
      fill(
        words,
        owned.map(({ name, shards }) =>
          h('div', {}, h('dt', {}, name), h('dd', { class: 'mono' }, ranges(shards))),
        ),
        nobody.length > 0 &&
          h(
            'div',
            {},
            h('dt', {}, t('cluster.nobody')),
            h('dd', { class: 'mono' }, ranges(nobody)),
          ),
      );
      const parts = owned.map(({ name, shards }) =>
        t('cluster.has', { name, count: shards.length }),
      );
      cells.setAttribute('aria-label', parts.join(', '));
      mark();
    },
  };
}

function showCells(cells: HTMLElement, { shards, owners }: ClusterData): void {
  if (cells.childElementCount !== shards) {
    fill(cells, ...Array.from({ length: shards }, () => h('i')));
  }
  for (const [shard, cell] of [...cells.children].entries()) {
    const owner = owners.of[shard] ?? -1;
    if (!(cell instanceof HTMLElement) || cell.dataset['owner'] === String(owner)) continue;
    cell.dataset['owner'] = String(owner);
    cell.style.setProperty('--owner', ownerColour(owner));
    const name = owners.names[owner] ?? t('cluster.nobody');
    cell.title = t('cluster.cell', { shard: String(shard), name });
  }
}

function swatch(number: number): HTMLElement {
  const element = h('i', { class: 'swatch' });
  element.style.setProperty('--owner', ownerColour(number));
  return element;
}
