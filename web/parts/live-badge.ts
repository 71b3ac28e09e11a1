import type { Connection, LiveStatus } from '../connection.ts';
import { h } from '../dom.ts';
import { formatClock } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';

/** Whether what is on the page is what is: live, catching up, or stale since when. `signal` ends it. */
export function liveBadge(connection: Connection, signal: AbortSignal): HTMLElement {
  const word = h('span', { class: 'live-word' });
  const badge = h('span', { class: 'live', role: 'status' }, h('i', { class: 'live-dot' }), word);
  const stop = connection.onStatus((status) => {
    badge.dataset['status'] = status.type;
    word.textContent = wordOf(status);
    badge.title = connection.node === null ? '' : t('live.node', { node: connection.node });
  });
  signal.addEventListener('abort', stop);
  return badge;
}

function wordOf(status: LiveStatus): string {
  if (status.type === 'stale') return t('live.stale', { time: formatClock(status.since) });
  return t(status.type === 'live' ? 'live.live' : 'live.behind');
}
