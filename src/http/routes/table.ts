import { actorRoutes } from './actors.ts';
import { clusterRoutes } from './cluster.ts';
import { definitionRoutes } from './definitions.ts';
import { developmentRoutes } from './development.ts';
import { documentRoute } from './document.ts';
import { healthRoutes } from './health.ts';
import { metricsRoutes } from './metrics.ts';
import type { Route } from './route.ts';
import { sessionRoutes } from './session.ts';
import { taskRoutes } from './tasks.ts';
import { workflowRoutes } from './workflows.ts';

/** Answered also while the node leaves. */
export const routesToTheEnd: readonly Route[] = [...healthRoutes, ...metricsRoutes];

/** What the cluster can be asked over HTTP, told in the order of the documentation. */
export const apiRoutes: readonly Route[] = [
  ...workflowRoutes,
  ...taskRoutes,
  ...definitionRoutes,
  ...actorRoutes,
  ...clusterRoutes,
  ...sessionRoutes,
  ...developmentRoutes,
  documentRoute(() => allRoutes),
];

export const allRoutes: readonly Route[] = [...apiRoutes, ...routesToTheEnd];
