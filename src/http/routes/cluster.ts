import type { ClusterApi, NodeView } from '#cluster/api.ts';

import { notFound } from '../problems.ts';
import {
  cluster as clusterView,
  node,
  nodeList,
  nodePath,
  stats,
  throughput,
  throughputQuery,
} from '../schemas/cluster.ts';
import { type Route, route } from './route.ts';

const counts = route({
  method: 'get',
  path: '/api/v1/stats',
  id: 'getStats',
  tag: 'Cluster',
  scope: 'read',
  summary: 'Counts all workflows by state',
  description: 'Exact; may lag a change by up to a second.',
  takes: {},
  gives: { 200: { what: 'The counts.', body: stats } },
  handle: async (_call, { cluster }) => {
    const { pending, running, completed, failed, canceled } = await cluster.stats();
    return {
      status: 200,
      body: {
        total_workflows: pending + running + completed + failed + canceled,
        pending,
        running,
        completed,
        failed,
        canceled,
      },
    };
  },
});

const show = route({
  method: 'get',
  path: '/api/v1/cluster',
  id: 'getCluster',
  tag: 'Cluster',
  scope: 'read',
  summary: 'Shows the nodes of the cluster as the node that answers sees them',
  takes: {},
  gives: { 200: { what: 'The cluster.', body: clusterView } },
  handle: async (_call, { cluster }) => ({ status: 200, body: await cluster.cluster() }),
});

const minutes = route({
  method: 'get',
  path: '/api/v1/stats/throughput',
  id: 'getThroughput',
  tag: 'Cluster',
  scope: 'read',
  summary: 'Counts what the cluster did in each of the last minutes, oldest first',
  description: 'May lag by some seconds.',
  takes: { query: throughputQuery },
  gives: { 200: { what: 'Every minute, also those in which nothing happened.', body: throughput } },
  handle: async ({ query }, { cluster }) => ({
    status: 200,
    body: { minutes: await cluster.throughput(query.minutes) },
  }),
});

const nodes = route({
  method: 'get',
  path: '/api/v1/cluster/nodes',
  id: 'listNodes',
  tag: 'Cluster',
  scope: 'read',
  summary: 'Lists the nodes',
  takes: {},
  gives: { 200: { what: 'The nodes, by name.', body: nodeList } },
  handle: async (_call, { cluster }) => ({
    status: 200,
    body: { nodes: (await cluster.cluster()).nodes },
  }),
});

const oneNode = route({
  method: 'get',
  path: '/api/v1/cluster/nodes/{name}',
  id: 'getNode',
  tag: 'Cluster',
  scope: 'read',
  summary: 'Shows a node',
  takes: { path: nodePath },
  gives: { 200: { what: 'The node.', body: node } },
  refuses: ['NODE_NOT_FOUND'],
  handle: async ({ path }, { cluster }) => ({
    status: 200,
    body: await nodeNamed(cluster, path.name),
  }),
});

const drain = draining({
  id: 'drainNode',
  verb: 'drain',
  on: true,
  summary: 'Makes a node hand its work over',
  description:
    'It hands its shards over and takes no new work, while what runs there goes on and its process lives. To drain one that ' +
    'drains changes nothing.',
});

const undrain = draining({
  id: 'undrainNode',
  verb: 'undrain',
  on: false,
  summary: 'Lets a node that was drained take part again',
  description: 'To undrain one that takes part changes nothing.',
});

export const clusterRoutes = [counts, minutes, show, nodes, oneNode, drain, undrain];

interface Draining {
  readonly id: string;
  readonly verb: 'drain' | 'undrain';
  readonly on: boolean;
  readonly summary: string;
  readonly description: string;
}

function draining({ id, verb, on, summary, description }: Draining): Route {
  return route({
    method: 'post',
    path: `/api/v1/cluster/nodes/{name}/${verb}`,
    id,
    tag: 'Cluster',
    scope: 'admin',
    summary,
    description: `${description} Shards move a moment after the answer.`,
    takes: { path: nodePath },
    gives: { 202: { what: 'It begins.', body: node } },
    refuses: on ? ['NODE_NOT_FOUND', 'LAST_NODE'] : ['NODE_NOT_FOUND'],
    handle: async ({ path }, { cluster }) => {
      await cluster.drain(path.name, on);
      return { status: 202, body: await nodeNamed(cluster, path.name) };
    },
  });
}

async function nodeNamed(cluster: ClusterApi, name: string): Promise<NodeView> {
  const found = (await cluster.cluster()).nodes.find((each) => each.name === name);
  if (found === undefined) throw notFound({ kind: 'node', id: name });
  return found;
}
