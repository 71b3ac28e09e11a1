import { parseTaskId } from '#actors/ids.ts';

import { notFound, type Resource } from '../problems.ts';
import { task, taskPath } from '../schemas/tasks.ts';
import { route } from './route.ts';

const show = route({
  method: 'get',
  path: '/api/v1/tasks/{id}',
  id: 'getTask',
  tag: 'Tasks',
  scope: 'read',
  summary: 'Shows a task as it is now',
  takes: { path: taskPath },
  gives: {
    200: {
      what: 'The task.',
      body: task,
      headers: { ETag: 'Changes with every change of its workflow.' },
    },
  },
  refuses: ['TASK_NOT_FOUND'],
  about,
  handle: async ({ path }, { cluster }) => {
    const place = parseTaskId(path.id);
    if (place === null) throw notFound(about({ path }));
    const snapshot = await cluster.workflow(place.workflowId);
    const found = snapshot.tasks[place.step];
    if (found === undefined || found.id !== path.id) throw notFound(about({ path }));
    return { status: 200, body: found, headers: { ETag: `"${snapshot.seq}"` } };
  },
});

export const taskRoutes = [show];

function about({ path }: { path: { id: string } }): Resource {
  return { kind: 'task', id: path.id };
}
