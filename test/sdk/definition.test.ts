import { expect } from 'chai';
import { z } from 'zod';

import type { Graph } from '#actors/definition.ts';
import type { JsonObject, TaskContext } from '#sdk/index.ts';
import {
  actor,
  asyncTaskHandler,
  simpleTaskHandler,
  task,
  workflow,
  WorkflowBuilder,
} from '#sdk/index.ts';

import * as examples from '../../examples/index.ts';

const run = (): JsonObject => ({});

const base = () => workflow('w', { timeout: '1h' }).task('a', { run });
const versionOf = (built: { graph: { version: string } }): string => built.graph.version;
const waysOf = ({ graph }: { readonly graph: Graph }): readonly string[] =>
  graph.steps.map(({ whenNeedsSkipped }) => whenNeedsSkipped);
const double = ({ n }: { n: number }) => ({ n: n * 2 });

const contextOf = (signal: AbortSignal): TaskContext => ({
  workflowId: 'w',
  taskId: 'w.0',
  step: 'a',
  attempt: 1,
  idempotencyKey: 'w.0',
  signal,
  node: 'n',
  outputs: {},
  workflowInput: {},
  heartbeatDetails: null,
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  heartbeat: () => {},
  progress: () => {},
});

describe('a definition', () => {
  it('is the same in both faces', () => {
    const retry = { maxRetries: 2 };
    const reserve = task('reserve', { run, retry });
    const charge = task('charge', { run });

    const typed = workflow('orders', { timeout: '1h' })
      .task('reserve', { uses: reserve })
      .task('charge', { uses: charge, needs: ['reserve'], onError: 'release' })
      .task('release', { uses: reserve })
      .build();
    const fluent = new WorkflowBuilder('orders', { timeout: 3_600_000 })
      .addTask('reserve', run, 2)
      .addTask('charge', run)
      .addStep('reserve')
      .addStep('charge')
      .dependsOn('reserve')
      .onError('release')
      .addStep('reserve', { as: 'release' })
      .build();
    const conditional = workflow('orders')
      .task('a', { run, when: ({ merged }) => merged['rich'] === true })
      .build();

    expect(typed.graph).to.deep.equal(fluent.graph);
    expect(typed.graph.steps.map((step) => step.queue)).to.deep.equal([
      'reserve',
      'charge',
      'reserve',
    ]);
    expect(typed.tasks).to.deep.equal([reserve, charge]);
    expect(conditional.graph.steps[0]).to.include({
      conditional: true,
      queue: 'orders/a',
      task: 'a',
    });
  });

  it('has the same step that waits for a signal in both faces: it is waited for once, without limit unless it has one', () => {
    const payload = z.object({ approved: z.boolean() });
    const typed = workflow('w')
      .task('ask', { run })
      .signal('approve', { needs: ['ask'], payload, timeout: '2d', onError: 'remind' })
      .task('remind', { run })
      .signal('close', { whenNeedsSkipped: 'skip' })
      .build();
    const fluent = new WorkflowBuilder('w')
      .addTask('t', run)
      .addStep('t', { as: 'ask' })
      .addSignal('approve', { payload, timeout: '2d' })
      .dependsOn('ask')
      .onError('remind')
      .addStep('t', { as: 'remind' })
      .addSignal('close')
      .skipWhenNeedsSkipped()
      .build();
    const [, approve, , close] = typed.graph.steps;

    expect([fluent.graph.steps[1], fluent.graph.steps[3]]).to.deep.equal([approve, close]);
    expect(approve).to.deep.include({ task: 'approve', needs: ['ask'], onError: 'remind' });
    expect(approve?.retry.maxAttempts).to.equal(1);
    expect(approve?.timeouts).to.deep.equal({
      startToCloseMs: null,
      scheduleToStartMs: null,
      scheduleToCloseMs: 172_800_000,
      heartbeatMs: null,
    });
    expect(approve?.signal?.schema).to.deep.include({ type: 'object', required: ['approved'] });
    expect(close?.signal).to.deep.equal({});
    expect(close?.timeouts.scheduleToCloseMs).to.equal(null);
  });

  it('gives a fluent predicate what is merged', async () => {
    const built = new WorkflowBuilder('w')
      .addTask('t', run)
      .addStep('t')
      .when((merged) => merged['go'] === true)
      .build();
    const ask = async (merged: JsonObject) =>
      await built.code['t']?.when?.({ input: {}, outputs: {}, merged });
    expect([await ask({ go: true }), await ask({})]).to.deep.equal([true, false]);
  });

  it('takes policies from the step, else its task type, else the workflow, else the defaults', () => {
    const charge = task('charge', {
      run,
      retry: { maxAttempts: 7, jitter: 0 },
      timeout: '1m',
      priority: 1,
    });
    const { graph } = workflow('w', {
      retry: { maxAttempts: 9, initialInterval: '2m', nonRetryable: [TypeError, 'Declined'] },
    })
      .task('plain', { run })
      .task('typed', { uses: charge })
      .task('own', { uses: charge, retry: { jitter: 1 }, timeout: null, priority: 5 })
      .build();
    const [plain, typed, own] = graph.steps;

    expect(plain?.retry).to.deep.equal({
      maxAttempts: 9,
      initialIntervalMs: 120_000,
      backoffCoefficient: 2,
      maxIntervalMs: 120_000,
      jitter: 0.5,
      maxElapsedMs: null,
      nonRetryable: ['TypeError', 'Declined'],
    });
    expect(plain?.timeouts).to.deep.equal({
      startToCloseMs: 600_000,
      scheduleToStartMs: null,
      scheduleToCloseMs: null,
      heartbeatMs: null,
    });
    expect(plain?.priority).to.equal(3);
    expect(typed).to.deep.include({ priority: 1 });
    expect(typed?.retry).to.include({ maxAttempts: 7, jitter: 0, initialIntervalMs: 120_000 });
    expect(typed?.timeouts.startToCloseMs).to.equal(60_000);
    expect(own?.retry).to.include({ maxAttempts: 7, jitter: 1 });
    expect(own?.timeouts.startToCloseMs).to.equal(null);
    expect(own?.priority).to.equal(5);
  });

  it('shares a beginning without sharing what follows', () => {
    const begun = workflow('w').task('a', { run });
    const first = begun.task('b', { needs: ['a'], run }).build();
    const second = begun.task('c', { needs: ['a'], run }).build();
    expect([first, second].map(({ graph }) => graph.steps.map((step) => step.name))).to.deep.equal([
      ['a', 'b'],
      ['a', 'c'],
    ]);
  });

  it('carries the JSON Schema of its input when the library can tell', () => {
    const { graph } = workflow('w', { input: z.object({ id: z.string() }) })
      .task('a', { run })
      .build();
    expect(graph.inputSchema).to.deep.include({ type: 'object', required: ['id'] });
  });

  it('builds for every example, each of its own version', () => {
    const graphs = Object.values(examples).flatMap((example) =>
      'kind' in example && example.kind === 'workflow' ? [example.graph] : [],
    );
    expect(graphs).to.have.length(11);
    expect(new Set(graphs.map(({ version }) => version)).size).to.equal(11);
    expect(graphs.map(({ name }) => name)).to.include.members(
      examples.sampleRuns.map(({ name }) => name),
    );
  });

  it('accepts the input of each sample run', async () => {
    for (const { name, input } of examples.sampleRuns) {
      const definition = Object.values(examples).find(
        (example) =>
          'kind' in example && example.kind === 'workflow' && example.graph.name === name,
      );
      if (definition === undefined || !('input' in definition) || definition.input === undefined)
        continue;
      const result = await definition.input['~standard'].validate(input);
      expect(result.issues, name).to.equal(undefined);
    }
  });
});

describe('a version', () => {
  it('stays when the same is written again, or a handler changes', () => {
    const before = versionOf(base().build());
    expect(before).to.match(/^[0-9a-f]{12}$/);
    expect(versionOf(base().build())).to.equal(before);
    expect(
      versionOf(
        workflow('w', { timeout: '60m' })
          .task('a', { run: () => ({ fixed: true }) })
          .build(),
      ),
    ).to.equal(before);
  });

  it('changes with everything that decides how a workflow runs', () => {
    const changed = [
      base(),
      workflow('v', { timeout: '1h' }).task('a', { run }),
      workflow('w', { timeout: '2h' }).task('a', { run }),
      workflow('w', { timeout: '1h', onFailure: 'letFinish' }).task('a', { run }),
      workflow('w', { timeout: '1h', input: z.object({}) }).task('a', { run }),
      workflow('w', { timeout: '1h' }).task('b', { run }),
      workflow('w', { timeout: '1h' }).task('a', { uses: 'a' }),
      workflow('w', { timeout: '1h' }).task('a', { run, retry: { maxAttempts: 4 } }),
      workflow('w', { timeout: '1h' }).task('a', { run, timeouts: { heartbeat: '5s' } }),
      workflow('w', { timeout: '1h' }).task('a', { run, timeout: '10m' }),
      workflow('w', { timeout: '1h' }).task('a', { run, priority: 1 }),
      workflow('w', { timeout: '1h' }).task('a', { run, isolate: true }),
      workflow('w', { timeout: '1h' }).task('a', { run, whenNeedsSkipped: 'skip' }),
      workflow('w', { timeout: '1h' }).task('a', { run, when: () => true }),
      workflow('w', { timeout: '1h' }).task('a', { run, when: () => false }),
      workflow('w', { timeout: '1h' }).task('a', { run, map: () => ({ x: 1 }) }),
      workflow('w', { timeout: '1h' }).task('a', { run, map: () => ({ x: 2 }) }),
      base().task('b', { run }),
      base().task('b', { needs: ['a'], run }),
      workflow('w', { timeout: '1h' }).task('a', { run, onError: 'b' }).task('b', { run }),
      workflow('w', { timeout: '1h' }).task('b', { run }).task('a', { run }),
    ].map((begun) => versionOf(begun.build()));
    expect(new Set(changed).size).to.equal(changed.length);
  });
});

describe('what a definition leaves open', () => {
  it('is what neither the step, its task nor the workflow says, so that a cluster may say it', () => {
    const typed = task('typed', { run, retry: { initialInterval: '5s' } });
    const { steps } = workflow('w', { retry: { maxInterval: '1m' } })
      .task('plain', { run, retry: { maxAttempts: 9 } })
      .task('limited', { run, timeout: null })
      .task('typed', { uses: typed })
      .build().graph;
    const [whole] = workflow('w').task('a', { run }).build().graph.steps;
    const [none] = workflow('w', { retry: { initialInterval: '1s', maxInterval: '1m' } })
      .task('a', { run, timeout: '10m' })
      .build().graph.steps;

    expect(whole?.open).to.deep.equal(['initialIntervalMs', 'maxIntervalMs', 'startToCloseMs']);
    expect(steps.map(({ open }) => open)).to.deep.equal([
      ['initialIntervalMs', 'startToCloseMs'],
      ['initialIntervalMs'],
      ['startToCloseMs'],
    ]);
    expect(none).not.to.have.property('open');
  });
});

describe('an actor definition', () => {
  it('begins each actor with a state of its own', () => {
    const cart = actor('cart', { state: { items: ['a'] }, on: { read: () => ({}) } });
    expect(cart.initialState()).to.deep.equal({ items: ['a'] });
    expect(cart.initialState()).not.to.equal(cart.initialState());
    expect(cart).to.deep.include({
      kind: 'actor',
      restart: { maxFailures: 3, withinMs: 60_000 },
      turnTimeoutMs: 30_000,
    });
  });

  it('runs the dependents of a skipped step unless they ask not to, in both faces', () => {
    const typed = workflow('w')
      .task('a', { run })
      .task('b', { needs: ['a'], run })
      .task('c', { needs: ['a'], run, whenNeedsSkipped: 'skip' });
    const fluent = new WorkflowBuilder('w')
      .addTask('a', run)
      .addStep('a')
      .addStep('a', { as: 'b' })
      .dependsOn('a')
      .addStep('a', { as: 'c' })
      .dependsOn('a')
      .skipWhenNeedsSkipped();
    expect(waysOf(typed.build())).to.deep.equal(['run', 'run', 'skip']);
    expect(waysOf(fluent.build())).to.deep.equal(['run', 'run', 'skip']);
  });
});

describe('the adapters of handlers', () => {
  it('hand over the input alone', async () => {
    expect(await simpleTaskHandler(double)({ n: 2 })).to.deep.equal({ n: 4 });
    expect(
      await asyncTaskHandler(double)({ n: 3 }, contextOf(new AbortController().signal)),
    ).to.deep.equal({ n: 6 });
  });

  it('end an attempt on abort although its function goes on', async () => {
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<JsonObject>();
    const attempt = asyncTaskHandler(() => promise)({}, contextOf(controller.signal));
    controller.abort(new Error('canceled'));
    const error = await attempt.catch((reason: unknown) => reason);
    resolve({});
    expect(error).to.have.property('message', 'canceled');
  });
});
