import { h, keyed, setText } from '../dom.ts';
import { formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { Concern } from './figures.ts';
import { stateIcon } from './state.ts';

interface Verdict {
  readonly element: HTMLElement;
  show(concerns: readonly Concern[]): void;
}

/** Whether all is well, in a line. A concern that stays keeps its link, and the focus on it, while its numbers change. */
export function verdictLine(): Verdict {
  const well = h('p', { class: 'well' }, stateIcon('completed'), h('span', {}, t('overview.well')));
  const links = h('span', { class: 'links' });
  const wrong = h('p', { class: 'concerns' }, stateIcon('failed'), links);
  const made = new Map<string, HTMLAnchorElement>();
  const element = h('div', { class: 'verdict' }, well, wrong);
  return {
    element,
    show: (concerns) => {
      well.hidden = concerns.length > 0;
      wrong.hidden = concerns.length === 0;
      keyed(links, concerns, {
        key: ({ type }) => type,
        create: ({ type }) =>
          h('a', { href: type === 'nodes' ? '/cluster' : '/workflows?state=failed' }),
        update: (link, concern) => setText(link, concernText(concern)),
        made,
      });
    },
  };
}

function concernText(concern: Concern): string {
  if (concern.type === 'nodes') {
    const names = concern.nodes.map(({ name }) => name).join(', ');
    return t('overview.nodesAway', { count: concern.nodes.length, names });
  }
  const share = formatPercent(concern.share, 1);
  return t('overview.someFailed', { count: concern.count, share });
}
