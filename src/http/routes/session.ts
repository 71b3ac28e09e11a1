import { whoami } from '../schemas/session.ts';
import { route } from './route.ts';

const show = route({
  method: 'get',
  path: '/api/v1/whoami',
  id: 'whoAmI',
  tag: 'Session',
  scope: 'read',
  summary: 'Says who is asking, and what that one may do',
  takes: {},
  gives: { 200: { what: 'Who it is.', body: whoami } },
  handle: async (_call, { principal, dev }) => {
    const { name, scopes, by } = principal();
    return { status: 200, body: { name, scopes, authentication: by, dev } };
  },
});

export const sessionRoutes = [show];
