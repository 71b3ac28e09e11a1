import { ProblemError } from '../problems.ts';
import { killBody } from '../schemas/cluster.ts';
import { message } from '../schemas/workflows.ts';
import { route } from './route.ts';

const kill = route({
  method: 'post',
  path: '/api/v1/dev/kill',
  id: 'killNode',
  tag: 'Development',
  scope: 'admin',
  summary: 'Kills the process of a node, as a fault would',
  description: 'In development mode alone; anywhere else it is not there.',
  takes: { body: killBody },
  gives: { 202: { what: 'It is killed.', body: message } },
  refuses: ['ROUTE_NOT_FOUND', 'NOT_FOUND', 'NODE_NOT_FOUND'],
  handle: async ({ body }, { cluster, dev, url }) => {
    if (!dev) throw new ProblemError('ROUTE_NOT_FOUND', `there is nothing at POST ${url}`);
    await cluster.kill(body.node);
    return { status: 202, body: { message: `Node ${body.node} killed` } };
  },
});

export const developmentRoutes = [kill];
