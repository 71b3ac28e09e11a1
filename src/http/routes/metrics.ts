import { z } from 'zod';

import { ProblemError } from '../problems.ts';
import { route } from './route.ts';

const text = route({
  method: 'get',
  path: '/metrics',
  id: 'getMetrics',
  tag: 'Health',
  scope: 'read',
  summary: 'Tells the metrics of this node to Prometheus',
  takes: {},
  gives: {
    200: {
      what: 'The metrics, as text.',
      body: z.string(),
      media: 'text/plain',
      headers: { 'Content-Type': 'With the version of the format.' },
    },
  },
  refuses: ['ROUTE_NOT_FOUND'],
  handle: async (_call, { metrics }) => {
    if (metrics === null) {
      throw new ProblemError(
        'ROUTE_NOT_FOUND',
        'metrics are off: set metrics.enabled to have them',
      );
    }
    const exposition = await metrics();
    return {
      status: 200,
      body: exposition.text,
      headers: { 'Content-Type': exposition.contentType },
    };
  },
});

export const metricsRoutes = [text];
