import type { NodeState } from '#http/live-protocol.ts';

import { h, s } from '../dom.ts';
import { t } from '../i18n/text.ts';

/* As with workflows, a state is an icon, a word and a colour. */
const shapes: Readonly<Record<NodeState, string>> = {
  up: 'M4.900 8.200l2.200 2.200 4-4.500',
  draining: 'M8 4.500v6.500M5.300 8.400L8 11l2.700-2.600',
  suspect: 'M8 4.600v4.200M8 11.200v.1',
  down: 'M5.600 5.600l4.800 4.800M10.400 5.600l-4.800 4.800',
};

export function nodeState(state: NodeState): HTMLElement {
  const element = h('span', { class: 'badge node-state' });
  setNodeState(element, state);
  return element;
}

export function setNodeState(element: HTMLElement, state: NodeState): void {
  if (element.dataset['node'] === state) return;
  element.dataset['node'] = state;
  element.replaceChildren(nodeIcon(state), t(`node.${state}`));
}

export function nodeIcon(state: NodeState): SVGSVGElement {
  return s(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    s('circle', { cx: 8, cy: 8, r: 7, class: 'icon-ring' }),
    s('path', { d: shapes[state], class: 'icon-line' }),
  );
}
