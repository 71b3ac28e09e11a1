import { expectTypeOf } from 'expect-type';
import { z } from 'zod';

import type {
  ActorRef,
  Client,
  Json,
  JsonObject,
  WorkflowDefinition,
  WorkflowHandle,
} from '#sdk/index.ts';
import { actor, connect, workflow, WorkflowBuilder } from '#sdk/index.ts';

const greet = workflow('greet', {
  input: z.object({ name: z.string(), times: z.number().default(1) }),
})
  .task('compose', { run: ({ name }) => ({ text: `Hello, ${name}` }) })
  .build();

const counter = actor('counter', {
  state: { count: 0 },
  on: {
    add: ({ count }, by: number) => ({ state: { count: count + by }, reply: count + by }),
    reset: () => ({ state: { count: 0 } }),
  },
});

const fluent = new WorkflowBuilder('fluent')
  .addTask('a', () => ({}))
  .addStep('a')
  .build();

const hint = z.object({ comment: z.string().optional() });

const approval = workflow('approval')
  .signal('approve', { payload: z.object({ approved: z.boolean(), by: z.string().default('') }) })
  .signal('note', { needs: ['approve'] })
  .build();

interface Greeted {
  readonly name: string;
  readonly times: number;
  readonly text: string;
}

// Checked by tsc alone: these are never called.
const claims = {
  output: (client: Client) => {
    expectTypeOf(client.start(greet, { name: 'Ada' })).resolves.toExtend<WorkflowHandle<Greeted>>();
    expectTypeOf(
      client.execute(greet, { name: 'Ada', times: 2 }),
    ).resolves.toEqualTypeOf<Greeted>();
    expectTypeOf(client.workflow(greet, 'id').result()).resolves.toEqualTypeOf<Greeted>();
    expectTypeOf(client.execute(fluent, { any: 1 })).resolves.toEqualTypeOf<JsonObject>();
    expectTypeOf(client.execute('greet', { any: 1 })).resolves.toEqualTypeOf<JsonObject>();
    expectTypeOf(client.workflow('id').result()).resolves.toEqualTypeOf<JsonObject>();
    expectTypeOf(client.submitWorkflow('greet', {})).resolves.toEqualTypeOf<string>();
  },
  input: async (client: Client) => {
    // @ts-expect-error a name is text
    await client.start(greet, { name: 7 });
    // @ts-expect-error a name is needed
    await client.execute(greet, {});
    // @ts-expect-error there is no such field
    await client.start(greet, { name: 'Ada', tims: 2 });
    // @ts-expect-error not a duration
    await client.start(greet, { name: 'Ada' }, { timeout: 'soon' });
    // @ts-expect-error no such way
    await client.start(greet, { name: 'Ada' }, { onConflict: 'replace' });
  },
  signals: async (client: Client) => {
    const handle = await client.start(approval, {});
    await handle.signal('approve', { approved: true });
    await handle.signal('approve', { approved: true, by: 'ada' }, { requestId: 'r' });
    await handle.signal('note');
    await client.workflow(approval, 'id').signal('note', [1]);
    await client.workflow('id').signal('anything', { at: 'all' });
    await (await client.start(fluent, {})).signal('anything');
    await (
      await client.start(workflow('w').signal('done', { payload: hint }).build(), {})
    ).signal('done');
    const any: WorkflowDefinition = fluent;
    await (await client.start(any, {})).signal('anything', 1);
    // @ts-expect-error a payload is needed
    await handle.signal('approve');
    // @ts-expect-error it is approved or not
    await handle.signal('approve', { approved: 'yes' });
    // @ts-expect-error nobody waits for that
    await handle.signal('aprove', { approved: true });
    // @ts-expect-error it waits for none
    await (await client.start(greet, { name: 'Ada' })).signal('approve');
  },
  actors: async (client: Client) => {
    expectTypeOf(client.actor(counter, 'a').ask('add', 1)).resolves.toEqualTypeOf<number>();
    expectTypeOf(client.actor(counter, 'a').ask('reset')).resolves.toEqualTypeOf<null>();
    expectTypeOf(client.actor('counter', 'a').ask('add', 1)).resolves.toEqualTypeOf<Json>();
    expectTypeOf(client.actor(counter, 'a')).toExtend<ActorRef<never>>();
    // @ts-expect-error the wrong payload
    await client.actor(counter, 'a').ask('add', 'one');
    // @ts-expect-error no such message
    await client.actor(counter, 'a').tell('subtract', 1);
  },
  connect: async () => {
    await connect({ url: 'http://localhost:8088' });
    await connect({ redis: 'redis://localhost', mysql: 'mysql://localhost/temjob' });
    // @ts-expect-error a node needs both servers
    await connect({ redis: 'redis://localhost' });
  },
};

describe('types of the client', () => {
  it('are those of the definitions', () => {
    expectTypeOf(claims).toBeObject();
  });
});
