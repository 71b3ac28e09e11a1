import type { ClusterData, NodeCard } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import { formatBytes, formatNumber, formatPassing, formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage } from '../page.ts';
import { confirm } from '../parts/confirm.ts';
import { nodeState, setNodeState } from '../parts/node-state.ts';
import { messageOf, notice } from '../parts/notice.ts';
import { ownerColour } from '../parts/owners.ts';
import { shardMap } from '../parts/shard-map.ts';
import { ago } from '../time.ts';
import { may, type Who } from '../who.ts';

/** The nodes of the cluster: which is ill, how busy each is, and who has what. */
export const clusterPage: MountPage = ({ root, connection, who, setTitle }) => {
  setTitle(t('nav.cluster'));
  const summary = h('p', { class: 'quiet' }, t('common.loading'));
  const nodes = h('div', { class: 'nodes' });
  const made = new Map<string, HTMLElement>();
  const map = shardMap();
  const shards = h(
    'section',
    { class: 'card', hidden: true },
    h('h2', {}, t('cluster.map')),
    h('p', { class: 'quiet hint' }, t('cluster.map.hint')),
    map.element,
  );
  fill(
    root,
    h('div', { class: 'page-head' }, h('div', {}, h('h1', {}, t('nav.cluster')), summary)),
    nodes,
    shards,
  );
  const unwatch = connection.watch('cluster', {
    data: (data) => {
      if (data.kind !== 'cluster') return;
      showSummary(summary, data);
      keyed(nodes, data.nodes, {
        key: ({ name }) => name,
        create: createNode,
        update: (element, node) => updateNode(element, node, data, who),
        made,
      });
      shards.hidden = false;
      map.show(data);
    },
    refused: (problem) => fill(summary, h('span', { class: 'wrong' }, problem.message)),
  });
  return unwatch;
};

function showSummary(place: HTMLElement, { node, nodes, owners, shards }: ClusterData): void {
  const up = nodes.filter(({ state }) => state === 'up').length;
  const held = owners.of.filter((owner) => owner >= 0).length;
  setText(place, t('cluster.summary', { up, count: nodes.length, held, shards, node }));
}

function createNode({ name, started_at }: NodeCard): HTMLElement {
  return h(
    'section',
    { class: 'card node', 'data-node': name, 'aria-labelledby': `node-${name}` },
    h(
      'header',
      {},
      h('i', { class: 'swatch' }),
      h('h2', { id: `node-${name}` }, name),
      h('span', { class: 'here', 'data-part': 'here', hidden: true }, t('cluster.here')),
      nodeState('up'),
    ),
    h(
      'p',
      { class: 'quiet node-line' },
      h('span', { 'data-part': 'url' }),
      h('span', { 'data-part': 'version' }),
      h('span', { 'data-part': 'age' }, t('cluster.started'), ' ', ago(started_at)),
    ),
    h(
      'div',
      { class: 'meters' },
      meter('shards', t('cluster.shards')),
      meter('utilization', t('cluster.busy')),
    ),
    h(
      'dl',
      { class: 'facts node-facts' },
      fact('running', t('cluster.running')),
      fact('actors', t('cluster.actors')),
      fact('threads', t('cluster.threads')),
      fact('memory', t('cluster.memory')),
      fact('beat', t('cluster.beat')),
    ),
    h(
      'details',
      {},
      h('summary', {}, h('span', { 'data-part': 'types' })),
      h('ul', { class: 'offers', 'data-part': 'offers' }),
    ),
    h(
      'div',
      { class: 'node-actions' },
      h('button', {
        type: 'button',
        'data-part': 'drain',
        onclick: (event) => {
          const button = event.currentTarget;
          if (!(button instanceof HTMLButtonElement)) return;
          const on = button.dataset['on'] === 'true';
          drain(name, on).catch((error: unknown) => notice(messageOf(error), 'wrong'));
        },
      }),
      h('span', { class: 'quiet hint', 'data-part': 'why' }),
    ),
  );
}

function updateNode(
  element: HTMLElement,
  node: NodeCard,
  { node: here, nodes, owners, shards }: ClusterData,
  who: Who,
): void {
  const part = (name: string): HTMLElement | null => {
    return element.querySelector<HTMLElement>(`[data-part="${name}"]`);
  };
  const say = (name: string, text: string): void => {
    const place = part(name);
    if (place !== null) setText(place, text);
  };
  const show = (name: string, shown: boolean): void => {
    const place = part(name);
    if (place !== null) place.hidden = !shown;
  };
  element.dataset['state'] = node.state;
  const badge = element.querySelector<HTMLElement>('.node-state');
  if (badge !== null) setNodeState(badge, node.state);
  const held = owners.names.indexOf(node.name);
  element.style.setProperty('--owner', ownerColour(held));
  show('here', node.name === here);
  showUrl(part('url'), node.url);
  say('version', node.version === '' ? '' : t('cluster.version', { version: node.version }));
  const own = held < 0 ? 0 : owners.of.filter((owner) => owner === held).length;
  setMeter(element, 'shards', shards === 0 ? 0 : own / shards, formatNumber(own));
  setMeter(element, 'utilization', node.utilization, formatPercent(node.utilization));
  say('running', formatNumber(node.running));
  say('actors', formatNumber(node.actors));
  say('threads', formatNumber(node.threads));
  say('memory', node.rss_bytes === 0 ? '–' : formatBytes(node.rss_bytes));
  say(
    'beat',
    node.silent_ms === 0
      ? t('cluster.beats')
      : t('cluster.silent', { time: formatPassing(node.silent_ms) }),
  );
  say('types', t('cluster.types', { count: node.offers.length }));
  const list = part('offers');
  if (list !== null && list.childElementCount !== node.offers.length) {
    fill(list, ...node.offers.map((offer) => h('li', { class: 'mono' }, offer)));
  }
  showDrain(element, node, nodes, who);
}

function showDrain(
  element: HTMLElement,
  node: NodeCard,
  nodes: readonly NodeCard[],
  who: Who,
): void {
  const button = element.querySelector<HTMLButtonElement>('[data-part="drain"]');
  const why = element.querySelector<HTMLElement>('[data-part="why"]');
  if (button === null || why === null) return;
  const drained = node.state === 'draining';
  const others = nodes.some(({ name, state }) => state === 'up' && name !== node.name);
  const reason = refusal({ admin: may(who, 'admin'), drained, others, state: node.state });
  button.dataset['on'] = String(!drained);
  setText(button, drained ? t('cluster.undrain') : t('cluster.drain'));
  button.setAttribute('aria-label', `${button.textContent} ${node.name}`);
  button.disabled = reason !== '';
  setText(why, reason);
}

/** Why a node cannot be drained, or taken back, now; empty when it can. */
function refusal(at: {
  readonly admin: boolean;
  readonly drained: boolean;
  readonly others: boolean;
  readonly state: NodeCard['state'];
}): string {
  if (!at.admin) return t('cluster.needsAdmin');
  if (at.state === 'down') return t('cluster.isDown');
  return at.drained || at.others ? '' : t('cluster.lastNode');
}

async function drain(name: string, on: boolean): Promise<void> {
  if (!on) {
    await api.drain(name, false);
    notice(t('cluster.undrained', { name }));
    return;
  }
  const sure = await confirm({
    title: t('cluster.drain.title', { name }),
    text: t('cluster.drain.text'),
    action: t('cluster.drain'),
  });
  if (!sure) return;
  await api.drain(name, true);
  notice(t('cluster.drained', { name }));
}

function showUrl(place: HTMLElement | null, url: string | null): void {
  if (place === null || place.dataset['url'] === String(url)) return;
  place.dataset['url'] = String(url);
  fill(place, url === null ? t('cluster.noDoor') : h('a', { href: `${url}/cluster` }, url));
}

function meter(name: string, label: string): HTMLElement {
  return h(
    'div',
    { class: 'meter', 'data-meter': name },
    h('span', { class: 'meter-label' }, label),
    h('b', { class: 'number' }),
    h('div', { class: 'progress' }, h('i')),
  );
}

function setMeter(element: HTMLElement, name: string, fraction: number, text: string): void {
  const place = element.querySelector(`[data-meter="${name}"]`);
  const number = place?.querySelector('b');
  const bar = place?.querySelector('i');
  if (number) setText(number, text);
  if (bar) bar.style.width = `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)}%`;
}

function fact(name: string, label: string): HTMLElement {
  return h('div', {}, h('dt', {}, label), h('dd', { class: 'number', 'data-part': name }));
}
