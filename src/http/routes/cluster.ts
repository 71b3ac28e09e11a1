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
import { route } from './route.ts';

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
  handle: async ({ path }, { cluster }) => {
    const found = (await cluster.cluster()).nodes.find(({ name }) => name === path.name);
    if (found === undefined) throw notFound({ kind: 'node', id: path.name });
    return { status: 200, body: found };
  },
});

export const clusterRoutes = [counts, minutes, show, nodes, oneNode];
