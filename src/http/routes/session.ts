import type { Principal } from '../auth/principal.ts';
import { signInBody, whoami } from '../schemas/session.ts';
import { message } from '../schemas/workflows.ts';
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
  handle: async (_call, { principal, dev }) => ({ status: 200, body: described(principal(), dev) }),
});

const signIn = route({
  method: 'post',
  path: '/api/v1/session',
  id: 'signIn',
  tag: 'Session',
  scope: null,
  summary: 'Starts a session: shows a key once, and gets a cookie for it',
  description:
    'For browsers: the cookie cannot be read by scripts, is not sent for other sites, and holds for 12 hours at every node. ' +
    'Programs send the key with each request instead.',
  takes: { body: signInBody },
  gives: {
    200: {
      what: 'Who it is now.',
      body: whoami,
      maybe: { 'Set-Cookie': 'The session, where keys are configured.' },
    },
  },
  refuses: ['UNAUTHENTICATED', 'RATE_LIMITED'],
  handle: async ({ body }, { sessions, client, dev }) => {
    const { principal, cookie } = sessions.start(body.key, client);
    return {
      status: 200,
      body: described(principal, dev),
      ...(cookie === null ? {} : { headers: { 'Set-Cookie': cookie } }),
    };
  },
});

const signOut = route({
  method: 'delete',
  path: '/api/v1/session',
  id: 'signOut',
  tag: 'Session',
  scope: null,
  summary: 'Makes the browser forget its session',
  takes: {},
  gives: {
    200: { what: 'It is forgotten.', body: message, headers: { 'Set-Cookie': 'An empty one.' } },
  },
  handle: async (_call, { sessions, client }) => ({
    status: 200,
    body: { message: 'Signed out' },
    headers: { 'Set-Cookie': sessions.end(client) },
  }),
});

export const sessionRoutes = [show, signIn, signOut];

function described({ name, scopes, by }: Principal, dev: boolean) {
  return { name, scopes, authentication: by, dev };
}
