import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { pino } from 'pino';

import type { Json } from '#actors/json.ts';
import { withinCallersTrace } from '#cluster/tracing/within.ts';
import { createDoor, type Door } from '#http/server.ts';
import { actor, task, workflow } from '#sdk/index.ts';

import { startCluster, type TestCluster } from '../support/cluster.ts';
import { request } from '../support/doors.ts';
import { gate } from '../support/held.ts';
import { Traces } from '../support/traces.ts';

const held = gate();
const began = gate();
const turnHeld = gate();
const turnBegan = gate();

/** Steps on the node that owns the workflow, in a thread of it, and on another node. */
const journey = workflow('journey')
  .task('here', {
    run: () => {
      // What a library does that is instrumented.
      trace.getTracer('a library').startSpan('a call').end();
      return { here: 1 };
    },
  })
  .task('thread', { uses: 'traced', needs: ['here'] })
  .task('far', { uses: 'far_away', needs: ['thread'] })
  .build();
const flaky = workflow('flaky')
  .task('try', {
    retry: { maxAttempts: 2, initialInterval: '10ms', jitter: 0 },
    run: (_input, { attempt, traceparent }) => {
      if (attempt === 1) throw new RangeError('not yet');
      return { traceparent: traceparent ?? null };
    },
  })
  .build();
const holds = workflow('holds')
  .task('wait', {
    run: async (_input, { signal }) => {
      signal.addEventListener('abort', () => held.open());
      began.open();
      await held.pass();
      return {};
    },
  })
  .build();
const tally = actor('tally', {
  state: { sum: 0 },
  on: {
    add: ({ sum }, by: number, { traceparent }) => {
      trace.getTracer('a library').startSpan('a call').end();
      return {
        state: { sum: sum + by },
        reply: { sum: sum + by, traceparent: traceparent ?? null },
      };
    },
    hold: async () => {
      turnBegan.open();
      await turnHeld.pass();
      return {};
    },
    fail: () => {
      throw new RangeError('not that');
    },
  },
});
const far = task('far_away', { run: () => ({ far: 1 }) });
const threads = new URL('../support/modules/traced.ts', import.meta.url).href;

describe('a trace', function () {
  this.timeout(40_000);
  let traces: Traces;
  let cluster: TestCluster;
  let door: Door;

  before(async () => {
    traces = new Traces();
    cluster = await startCluster({ nodes: 0 });
    const definitions = [journey, flaky, holds, tally];
    const { api } = await cluster.join({ name: 'owner', definitions, modules: [threads] });
    await cluster.join({ name: 'other', definitions: [far], engine: false });
    const own = { cluster: api, host: '127.0.0.1', port: 0, dev: true };
    const log = pino({ level: 'silent' });
    door = await createDoor({ ...own, log, within: withinCallersTrace });
  });

  after(async () => {
    await door.close();
    await cluster[Symbol.asyncDispose]();
    traces[Symbol.dispose]();
  });

  let calls = 0;
  /** Starts over HTTP, in a trace of the caller's, and waits for the end. */
  async function run(name: string, flags = '01') {
    calls += 1;
    const traceId = String(calls).padStart(32, 'a');
    const caller = String(calls).padStart(16, 'b');
    const id = `run-${calls}`;
    await request(door.url, 'POST', '/api/v1/workflows', {
      body: { name, id },
      headers: { traceparent: `00-${traceId}-${caller}-${flags}` },
    });
    const { tasks } = await cluster.api.result(id, 20_000);
    return { traceId, caller, id, tasks };
  }

  it('has the submit, the turns and the tasks of a workflow, whichever node they were on', async () => {
    const { traceId, caller, id } = await run('journey');
    const spans = traces.of(traceId).filter(({ name }) => name.startsWith('temjob.'));
    const [submit, ...others] = spans;

    expect(submit).to.include({ name: 'temjob.submit', kind: SpanKind.PRODUCER });
    expect(submit?.parentSpanContext?.spanId).to.equal(caller);
    expect(submit?.attributes).to.deep.equal({
      'temjob.workflow.name': 'journey',
      'temjob.workflow.id': id,
      'temjob.node': 'owner',
    });
    // Flat: each is a child of the submit.
    for (const span of others) {
      expect(span.parentSpanContext?.spanId, span.name).to.equal(submit?.spanContext().spanId);
      expect(span.kind, span.name).to.equal(SpanKind.CONSUMER);
      expect(span.attributes).to.include({ 'temjob.workflow.id': id });
    }
    const tasks = others.filter(({ name }) => name === 'temjob.task');
    expect(tasks.map(placeOf)).to.deep.equal([
      ['here', 'journey/here', 1, 'owner'],
      ['thread', 'traced', 1, 'owner'],
      ['far', 'far_away', 1, 'other'],
    ]);
    for (const span of tasks) {
      expect(span.attributes['temjob.task.outcome']).to.equal('completed');
      expect(span.events.map(({ name }) => name)).to.deep.equal(['temjob.task.began']);
    }
    const turns = others.filter(({ name }) => name === 'temjob.turn');
    expect(turns.map(({ attributes }) => attributes['temjob.message.type'])).to.deep.equal([
      'workflow.start',
      'task.ended',
      'task.ended',
      'task.ended',
    ]);
    // A turn is linked to the attempt whose result it took.
    expect(turns.map(({ links }) => links.map((link) => link.context.spanId))).to.deep.equal([
      [],
      ...tasks.map((span) => [span.spanContext().spanId]),
    ]);
    for (const span of turns) expect(span.attributes['temjob.node']).to.equal('owner');
  });

  it('goes on in what a handler calls, and a handler is told where it is', async () => {
    const { traceId, tasks } = await run('journey');
    const spans = traces.of(traceId);
    const [here, thread] = spans.filter(({ name }) => name === 'temjob.task');
    const call = spans.find(({ name }) => name === 'a call');

    expect(call?.parentSpanContext?.spanId).to.equal(here?.spanContext().spanId);
    expect(tasks[1]?.output).to.deep.equal({
      traceparent: `00-${traceId}-${thread?.spanContext().spanId}-01`,
      // There is no SDK in the thread.
      active: null,
    });
  });

  it('has a span for each attempt, with the error of the one that failed', async () => {
    const { traceId, tasks } = await run('flaky');
    const [first, second] = traces.of(traceId).filter(({ name }) => name === 'temjob.task');

    expect(first?.attributes).to.include({
      'temjob.task.attempt': 1,
      'temjob.task.outcome': 'failed',
      'error.type': 'RangeError',
    });
    expect(first?.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: 'not yet' });
    const exception = first?.events.find(({ name }) => name === 'exception');
    expect(exception?.attributes).to.include({
      'exception.type': 'RangeError',
      'exception.message': 'not yet',
    });
    expect(String(exception?.attributes?.['exception.stacktrace'])).to.match(/tracing\.test\.ts/);
    expect(second?.attributes).to.include({
      'temjob.task.attempt': 2,
      'temjob.task.outcome': 'completed',
    });
    expect(second?.status.code).to.equal(SpanStatusCode.UNSET);
    const place = `00-${traceId}-${second?.spanContext().spanId}-01`;
    expect(tasks[0]?.output).to.deep.equal({ traceparent: place });
  });

  it('begins with the submit when the caller has none, or with the span that is active', async () => {
    const tracer = trace.getTracer('a program');
    const { id } = await cluster.api.start({ name: 'flaky', input: {} });
    const span = tracer.startSpan('checkout');
    const within = trace.setSpan(context.active(), span);
    const inner = await context.with(within, async () => {
      return await cluster.api.start({ name: 'flaky', input: {} });
    });
    span.end();

    const submits = traces.all.filter(({ name }) => name === 'temjob.submit');
    const submitOf = (of: string): ReadableSpan | undefined =>
      submits.find(({ attributes }) => attributes['temjob.workflow.id'] === of);
    expect(submitOf(id)?.parentSpanContext).to.equal(undefined);
    expect(submitOf(inner.id)?.parentSpanContext?.spanId).to.equal(span.spanContext().spanId);
    for (const one of [id, inner.id]) await cluster.api.result(one, 10_000);
  });

  it('is linked to the call that cancels, which has a trace of its own', async () => {
    const { id } = await cluster.api.start({ name: 'holds', input: {} });
    await began.pass();
    const caller = trace.getTracer('a program').startSpan('cleanup');
    await context.with(trace.setSpan(context.active(), caller), async () => {
      await cluster.api.cancel(id);
    });
    caller.end();

    const turn = traces.all.find(
      ({ attributes }) =>
        attributes['temjob.message.type'] === 'workflow.cancel' &&
        attributes['temjob.workflow.id'] === id,
    );
    const submit = traces.all.find(
      ({ name, attributes }) => name === 'temjob.submit' && attributes['temjob.workflow.id'] === id,
    );
    expect(turn?.spanContext().traceId).to.equal(submit?.spanContext().traceId);
    expect(turn?.links.map((link) => link.context.spanId)).to.deep.equal([
      caller.spanContext().spanId,
    ]);
  });

  it('of who asks an actor has the message, the decision to keep it, and its handling', async () => {
    const { reply, traceId, caller } = await asked('add', 2);
    const spans = traces.of(traceId);
    const [send, turn, handle, call] = [
      'temjob.send',
      'temjob.turn',
      'temjob.handle',
      'a call',
    ].map((wanted) => spans.find(({ name }) => name === wanted));
    const about = { 'temjob.actor.name': 'tally', 'temjob.actor.key': 'one' };

    expect(send).to.include({ kind: SpanKind.PRODUCER });
    expect(send?.parentSpanContext?.spanId).to.equal(caller);
    expect(send?.attributes).to.include({ ...about, 'temjob.actor.message': 'add' });
    for (const span of [turn, handle]) {
      expect(span?.parentSpanContext?.spanId, span?.name).to.equal(send?.spanContext().spanId);
      expect(span?.attributes).to.include({ ...about, 'temjob.node': 'owner' });
    }
    expect(turn?.attributes).to.include({ 'temjob.message.type': 'actor.message' });
    expect(handle?.attributes).to.include({ 'temjob.actor.outcome': 'completed' });
    expect(call?.parentSpanContext?.spanId).to.equal(handle?.spanContext().spanId);
    expect(reply).to.deep.equal({
      sum: 2,
      traceparent: `00-${traceId}-${handle?.spanContext().spanId}-01`,
    });
  });

  it('of who asks an actor has the error of the handler', async () => {
    const { traceId } = await asked('fail', null);
    const spans = traces.of(traceId);
    const send = spans.find(({ name }) => name === 'temjob.send');
    const handle = spans.find(({ name }) => name === 'temjob.handle');

    expect(handle?.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: 'not that' });
    expect(handle?.attributes).to.include({
      'temjob.actor.outcome': 'failed',
      'error.type': 'RangeError',
    });
    expect(send?.attributes['error.type']).to.equal('ACTOR_FAILED');
  });

  it('has its own message alone, though one turn of an actor takes those of many', async () => {
    const first = cluster.api.ask({ name: 'tally', key: 'busy', on: 'hold', payload: null });
    await turnBegan.pass();
    const senders = [await told('busy'), await told('busy')];
    turnHeld.open();
    await first;
    await cluster.api.ask({ name: 'tally', key: 'busy', on: 'add', payload: 0 });

    const handled = senders.map(({ traceId }) =>
      traces.of(traceId).filter(({ name }) => name === 'temjob.handle'),
    );
    expect(handled.map((spans) => spans.length)).to.deep.equal([1, 1]);
    const turns = handled.flat().map(({ attributes }) => attributes['temjob.actor.turn']);
    expect(turns).to.deep.equal([2, 2]);
  });

  it('tells of a submit that was refused', async () => {
    const { traceId } = await refused();
    const [submit] = traces.of(traceId);

    expect(submit?.status.code).to.equal(SpanStatusCode.ERROR);
    expect(submit?.attributes['error.type']).to.equal('UNKNOWN_DEFINITION');
  });

  it('that is not sampled leaves no span, and nothing in the history', async () => {
    const { traceId, id } = await run('flaky', '00');
    const { events } = await cluster.api.events(id, { after: 0, limit: 1 });

    expect(traces.of(traceId)).to.deep.equal([]);
    expect(events[0]).not.to.have.property('trace');
  });

  it('is kept with the workflow, so that an owner to come goes on in it', async () => {
    await using own = await startCluster({ definitions: [flaky], worker: false });
    const { id } = await own.api.start({ name: 'flaky', input: {} });
    const next = await own.join({ name: 'next', worker: true });
    await own.nodes[0]?.stop({ graceMs: 0 });
    await next.api.result(id, 10_000);

    const about = traces.all.filter(({ attributes }) => attributes['temjob.workflow.id'] === id);
    const [submit] = about.filter(({ name }) => name === 'temjob.submit');
    const tasks = about.filter(({ name }) => name === 'temjob.task');
    const attempts = tasks.map(({ attributes }) => attributes['temjob.task.attempt']);
    expect(attempts).to.include.members([1, 2]);
    for (const span of about) {
      expect(span.spanContext().traceId).to.equal(submit?.spanContext().traceId);
    }
  });

  /** Asks an actor, in a trace of the caller's. */
  async function asked(on: string, payload: Json) {
    return await traced(async () => {
      return await cluster.api
        .ask({ name: 'tally', key: 'one', on, payload })
        .catch((error: unknown) => error);
    });
  }

  async function told(key: string) {
    return await traced(async () => {
      await cluster.api.tell({ name: 'tally', key, on: 'add', payload: 1 });
    });
  }

  async function refused(): Promise<{ readonly traceId: string }> {
    const traceId = 'c'.repeat(32);
    const { status } = await request(door.url, 'POST', '/api/v1/workflows', {
      body: { name: 'nobody_knows_it' },
      headers: { traceparent: `00-${traceId}-${'d'.repeat(16)}-01` },
    });
    expect(status).to.equal(404);
    return { traceId };
  }
});

describe('a workflow that nobody traces', () => {
  it('carries nothing of a trace, though its caller does', async () => {
    await using cluster = await startCluster({ definitions: [flaky] });
    const door = await createDoor({
      cluster: cluster.api,
      host: '127.0.0.1',
      port: 0,
      dev: true,
      log: pino({ level: 'silent' }),
      within: withinCallersTrace,
    });
    const id = 'untraced';
    await request(door.url, 'POST', '/api/v1/workflows', {
      body: { name: 'flaky', id },
      headers: { traceparent: `00-${'e'.repeat(32)}-${'f'.repeat(16)}-01` },
    });
    const { tasks } = await cluster.api.result(id, 10_000);
    const { events } = await cluster.api.events(id, { after: 0, limit: 100 });
    await door.close();

    expect(JSON.stringify(events)).not.to.match(/"trace"|eeee/);
    expect(tasks[0]?.output).to.deep.equal({ traceparent: null });
  });
});

function placeOf({ attributes }: ReadableSpan): readonly unknown[] {
  const keys = ['temjob.task.step', 'temjob.task.type', 'temjob.task.attempt', 'temjob.node'];
  return keys.map((key) => attributes[key]);
}

async function traced(call: () => Promise<unknown>) {
  const span = trace.getTracer('a program').startSpan('checkout');
  const reply = await context.with(trace.setSpan(context.active(), span), call);
  span.end();
  const { traceId, spanId: caller } = span.spanContext();
  return { reply, traceId, caller };
}
