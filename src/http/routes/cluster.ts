import { cluster as clusterView, stats } from '../schemas/cluster.ts';
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

export const clusterRoutes = [counts, show];
