import { api, type ClusterAnswer } from '../api.ts';
import { fill, h } from '../dom.ts';
import type { MountPage } from '../page.ts';
import { messageOf } from '../parts/notice.ts';
import { ago } from '../time.ts';

const refreshMs = 3_000;

/** The nodes of the cluster, with what each holds and can do. */
export const clusterPage: MountPage = ({ root, setTitle }) => {
  const stop = new AbortController();
  setTitle('Cluster');
  const nodes = h('div', { class: 'nodes' }, h('p', { class: 'quiet' }, 'Loading…'));
  const summary = h('p', { class: 'quiet' });
  fill(root, h('div', { class: 'page-head' }, h('h1', {}, 'Cluster')), summary, nodes);
  let shown = '';
  const load = async (): Promise<void> => {
    const cluster = await api.cluster(stop.signal);
    const text = JSON.stringify(cluster);
    if (text === shown) return;
    shown = text;
    const up = cluster.nodes.filter((node) => node.state === 'up').length;
    const held = cluster.nodes.reduce((sum, node) => sum + node.shards, 0);
    fill(
      summary,
      `${up} of ${cluster.nodes.length} nodes up · ${held} of ${cluster.shards} shards held · this page comes from ${cluster.node}`,
    );
    fill(nodes, ...cluster.nodes.map((node) => nodeCard(node, cluster)));
  };
  const refresh = (): void => {
    if (document.hidden) return;
    load().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      shown = '';
      fill(summary, h('span', { class: 'wrong' }, messageOf(error)));
    });
  };
  refresh();
  // The cluster becomes a topic of the live protocol with the full console; until then the page asks while it is looked at.
  const timer = setInterval(refresh, refreshMs);
  return () => {
    clearInterval(timer);
    stop.abort();
  };
};

function nodeCard(node: ClusterAnswer['nodes'][number], cluster: ClusterAnswer): HTMLElement {
  const bar = h('i');
  bar.style.width = `${cluster.shards === 0 ? 0 : (node.shards / cluster.shards) * 100}%`;
  return h(
    'section',
    { class: 'card node', 'data-node': node.name, 'data-state': node.state },
    h(
      'header',
      {},
      h('h2', {}, node.name),
      h(
        'span',
        { class: 'node-state', 'data-state': node.state },
        h('i', { class: 'live-dot' }),
        node.state,
      ),
    ),
    h('p', { class: 'quiet' }, node.url ?? 'no HTTP door', ' · started ', ago(node.started_at)),
    h(
      'div',
      { class: 'shards' },
      h('span', {}, `${node.shards} shards`),
      h('div', { class: 'progress' }, bar),
    ),
    h(
      'details',
      {},
      h('summary', {}, `${node.offers.length} task types`),
      h(
        'ul',
        { class: 'offers' },
        node.offers.map((offer) => h('li', { class: 'mono' }, offer)),
      ),
    ),
  );
}
