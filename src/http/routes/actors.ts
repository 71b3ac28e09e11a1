import type { z } from 'zod';

import type { ActorCall } from '#cluster/api.ts';

import type { Resource } from '../problems.ts';
import { accepted, actorMessage, actorPath, reply } from '../schemas/actors.ts';
import { message } from '../schemas/workflows.ts';
import { route } from './route.ts';

const refuses = [
  'ACTOR_NOT_FOUND',
  'ACTOR_QUARANTINED',
  'ACTOR_FAILED',
  'ACTOR_MAILBOX_FULL',
] as const;

const ask = route({
  method: 'post',
  path: '/api/v1/actors/{name}/{key}/ask',
  id: 'askActor',
  tag: 'Actors',
  scope: 'operate',
  summary: 'Sends an actor a message and waits for its reply',
  takes: { path: actorPath, body: actorMessage },
  gives: { 200: { what: 'The reply.', body: reply } },
  refuses: [...refuses, 'ALREADY_APPLIED'],
  about,
  handle: async (call, { cluster }) => ({
    status: 200,
    body: { reply: await cluster.ask(actorCall(call)) },
  }),
});

const tell = route({
  method: 'post',
  path: '/api/v1/actors/{name}/{key}/tell',
  id: 'tellActor',
  tag: 'Actors',
  scope: 'operate',
  summary: 'Sends an actor a message',
  description: 'Answers after the message is committed.',
  takes: { path: actorPath, body: actorMessage },
  gives: { 202: { what: 'It will take the message.', body: accepted } },
  refuses,
  about,
  handle: async (call, { cluster }) => {
    await cluster.tell(actorCall(call));
    return { status: 202, body: { accepted: true } } as const;
  },
});

const resume = route({
  method: 'post',
  path: '/api/v1/actors/{name}/{key}/resume',
  id: 'resumeActor',
  tag: 'Actors',
  scope: 'operate',
  summary: 'Takes an actor out of quarantine',
  takes: { path: actorPath },
  gives: { 200: { what: 'It takes messages again.', body: message } },
  refuses: ['ACTOR_NOT_FOUND'],
  about,
  handle: async ({ path }, { cluster }) => {
    await cluster.resumeActor(path.name, path.key);
    return { status: 200, body: { message: 'Actor resumed successfully' } };
  },
});

export const actorRoutes = [ask, tell, resume];

function about({ path }: { path: z.output<typeof actorPath> }): Resource {
  return { kind: 'actor', id: `${path.name}/${path.key}` };
}

function actorCall(call: {
  path: z.output<typeof actorPath>;
  body: z.output<typeof actorMessage>;
}): ActorCall {
  const { message: on, timeout, ...rest } = call.body;
  return { ...call.path, on, ...rest, ...(timeout === undefined ? {} : { timeoutMs: timeout }) };
}
