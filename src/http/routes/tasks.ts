import { parseTaskId } from '#actors/ids.ts';

import { maybeNextLink, nextLink } from '../next-link.ts';
import { notFound, type Resource } from '../problems.ts';
import { task, taskPage, taskPath, tasksQuery } from '../schemas/tasks.ts';
import { route } from './route.ts';

const list = route({
  method: 'get',
  path: '/api/v1/tasks',
  id: 'listTasks',
  tag: 'Tasks',
  scope: 'read',
  summary: 'Lists tasks, those of the newest workflows first',
  description:
    'May lag a change by up to a second. A page may be short, or empty, and there are more all the same: `next_cursor` says so.',
  takes: { query: tasksQuery },
  gives: { 200: { what: 'A page of tasks.', body: taskPage, maybe: maybeNextLink } },
  refuses: ['WORKFLOW_NOT_FOUND'],
  about: ({ query }) => ({ kind: 'workflow', id: query.workflow_id ?? '' }),
  handle: async ({ query }, { cluster, url }) => {
    const { state, workflow_id: workflowId, ...filter } = query;
    const { tasks, next } = await cluster.tasks({
      ...filter,
      ...(state === undefined ? {} : { states: state }),
      ...(workflowId === undefined ? {} : { workflowId }),
    });
    return { status: 200, body: { tasks, next_cursor: next }, headers: nextLink(url, next) };
  },
});

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

export const taskRoutes = [list, show];

function about({ path }: { path: { id: string } }): Resource {
  return { kind: 'task', id: path.id };
}
