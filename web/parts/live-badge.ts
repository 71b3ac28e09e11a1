import type { Connection } from '../connection.ts';
import { h } from '../dom.ts';

/** Whether what is on the page is what is: live, catching up, or stale since when. */
export function liveBadge(connection: Connection): HTMLElement {
  const word = h('span');
  const badge = h('span', { class: 'live', role: 'status' }, h('i', { class: 'live-dot' }), word);
  connection.onStatus((status) => {
    badge.dataset['status'] = status.type;
    word.textContent =
      status.type === 'stale' ? `stale since ${status.since.toLocaleTimeString()}` : status.type;
    badge.title = connection.node === null ? '' : `served by node ${connection.node}`;
  });
  return badge;
}
