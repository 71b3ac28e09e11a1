import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

import { expect } from 'chai';

import type { Definition } from '#actors/definition.ts';
import type { Outcome } from '#actors/work.ts';

import { TempDir } from '../dev/temp-dir.ts';
import { attempt, closure, fixture, turn, World } from './support/world.ts';

// The same claims hold for both places where user code runs.
for (const place of ['a thread', 'the main thread'] as const) {
  describe(`work on ${place}`, () => {
    let world: World;
    before(async () => {
      const limits = { warnBytes: 1000, maxBytes: 2000 };
      world =
        place === 'a thread'
          ? await World.start(limits)
          : await World.start({ ...limits, modules: [], inline: await definitions() });
    });
    after(async () => await world[Symbol.asyncDispose]());

    it('gives the handler the input merged with the objects among the outputs, in order', async () => {
      const outputs = { a: { x: 1, y: 1 }, b: 'not an object', c: { y: 2 }, d: [7] };
      const work = attempt('echo', { x: 0, z: 0 }, { job: { outputs } });
      expect(await world.outcome(work)).to.deep.equal(completed({ x: 1, y: 2, z: 0 }));
    });

    it('tells the handler who and where it is', async () => {
      const job = { step: 'here', outputs: { a: 1 }, heartbeatDetails: { page: 3 } };
      const work = attempt('describe', { n: 1 }, { actor: 'wf', task: 4, attempt: 2, job });
      expect(await world.outcome(work)).to.deep.equal(
        completed({
          workflowId: 'wf',
          taskId: 'wf.4',
          step: 'here',
          attempt: 2,
          idempotencyKey: 'wf:4',
          node: 'node-1',
          outputs: { a: 1 },
          workflowInput: { n: 1 },
          heartbeatDetails: { page: 3 },
          aborted: false,
        }),
      );
    });

    it('reports the beginning once, before the end', async () => {
      const work = attempt('noop');
      await world.outcome(work);
      expect(world.told(work).map((told) => told.type)).to.deep.equal(['started', 'finished']);
    });

    it('takes nothing for null', async () => {
      expect(await world.outcome(attempt('nothing'))).to.deep.equal(completed(null));
    });

    it('stores a Date as its text', async () => {
      const at = '1970-01-01T00:00:00.000Z';
      expect(await world.outcome(attempt('returns a Date'))).to.deep.equal(completed({ at }));
    });

    it('keeps the class and stack of an error', async () => {
      const failure = failureOf(await world.outcome(attempt('throws an Error')));
      expect(failure).to.include({ kind: 'error', name: 'RangeError', message: 'out of range' });
      expect(failure.stack).to.include('fixtures/tasks.ts');
    });

    it('survives a thrown value that is no error', async () => {
      const failure = failureOf(await world.outcome(attempt('throws a string')));
      expect(failure).to.include({ kind: 'error', message: 'just text', retryable: true });
    });

    it('hears a rejection', async () => {
      expect(failureOf(await world.outcome(attempt('rejects'))).message).to.equal('rejected');
    });

    for (const [type, where] of [
      ['returns a function', "'deep[0].callback' is a function"],
      ['returns a cycle', "'self.object' refers back"],
      ['returns a bigint', "'amount' is a bigint"],
      ['returns NaN', "'mean[1]' is NaN"],
      ['returns a Map', "'map' is a Map"],
    ] as const) {
      it(`names the place when a handler ${type}`, async () => {
        const failure = failureOf(await world.outcome(attempt(type)));
        expect(failure).to.include({ kind: 'invalid', retryable: false });
        expect(failure.message).to.include(where);
      });
    }

    it('rejects an output over the limit with both sizes', async () => {
      const failure = failureOf(await world.outcome(attempt('returns text', { length: 3000 })));
      expect(failure.kind).to.equal('too-large');
      expect(failure.message).to.include('3002 bytes').and.include('2000');
    });

    it('warns in the log of an attempt about a large output', async () => {
      const work = attempt('returns text', { length: 1500 });
      expect(await world.outcome(work)).to.include({ status: 'completed' });
      const lines = world.told(work).flatMap((told) => (told.type === 'logged' ? [told.line] : []));
      expect(lines[0]?.level).to.equal('warn');
      expect(lines[0]?.message).to.include('1502 bytes');
    });

    it('tells the newest heartbeat, and not each', async () => {
      const work = attempt('heartbeats');
      await world.outcome(work);
      const reports = world
        .told(work)
        .flatMap((told) => (told.type === 'progressed' ? [told.progress] : []));
      expect(reports.length).to.be.within(2, 6);
      expect(reports.at(-1)).to.deep.equal({ details: { index: 50 }, fraction: 1, note: 'at 50' });
    });

    it('bounds the log of an attempt, and says so once', async () => {
      const work = attempt('chatters');
      await world.outcome(work);
      const lines = world
        .told(work)
        .flatMap((told) => (told.type === 'logged' ? [told.line.message] : []));
      expect(lines).to.have.length(1000);
      expect(Buffer.byteLength(lines[0] ?? '')).to.be.at.most(2048);
      expect(lines.filter((line) => line.includes('are cut'))).to.have.length(1);
      expect(lines.at(-1)).to.include('dropped');
    });

    it('maps the input by the code of the step', async () => {
      const work = step('price', { quantity: 2 }, { mapped: true });
      expect(await world.outcome(work)).to.deep.equal(completed({ total: 15 }));
    });

    it('skips a step whose `when` says no', async () => {
      const work = step('ship', { total: 10 }, { conditional: true });
      expect(await world.outcome(work)).to.deep.equal({ status: 'skipped' });
    });

    it('runs a step whose `when` says yes', async () => {
      const work = step('ship', { total: 11 }, { conditional: true });
      expect(await world.outcome(work)).to.deep.equal(completed({ shipped: { total: 11 } }));
    });

    it('fails a step whose `when` throws', async () => {
      const work = step('faulty', {}, { conditional: true });
      expect(failureOf(await world.outcome(work)).message).to.equal('cannot decide');
    });

    it('uses the code of another version for a step of the same name', async () => {
      const work = step('ship', { total: 3 }, { conditional: true, version: 'v0' });
      expect(await world.outcome(work)).to.deep.equal({ status: 'skipped' });
    });

    it('fails a mapped step whose `map` is not loaded, rather than to give its handler another input', async () => {
      const work = attempt('noop', {}, { job: { mapped: true, workflow: 'unknown' } });
      const failure = failureOf(await world.outcome(work));
      expect(failure.kind).to.equal('no-handler');
      expect(failure.message).to.include("has a 'map'");
    });

    it('fails a conditional step whose `when` is not loaded', async () => {
      const work = attempt('noop', {}, { job: { conditional: true, workflow: 'unknown' } });
      const failure = failureOf(await world.outcome(work));
      expect(failure.kind).to.equal('no-handler');
      expect(failure.message).to.include("workflow 'unknown'");
    });

    it('names what the node offers when it has no handler', async () => {
      const failure = failureOf(await world.outcome(attempt('unheard of')));
      expect(failure.kind).to.equal('no-handler');
      expect(failure.message).to.include("'unheard of'").and.include("'noop'");
    });

    it('applies the messages of a turn in order, from the initial state', async () => {
      const work = turn(null, [
        ['add', 2],
        ['add', 3],
      ]);
      expect(await world.outcome(work)).to.deep.equal({
        status: 'turned',
        state: { count: 5 },
        replies: [
          { id: 'm0', ok: true, value: 2 },
          { id: 'm1', ok: true, value: 5 },
        ],
      });
    });

    it('lets a message that fails leave the state as it was, though its handler changed it', async () => {
      const messages = ['add', 'spoil', 'unstorable', 'no such', 'hang', 'quiet', 'add'];
      const outcome = await world.outcome(
        turn(
          { count: 1 },
          messages.map((on) => [on, 1]),
        ),
      );
      if (outcome.status !== 'turned') throw new Error(`not turned: ${JSON.stringify(outcome)}`);
      expect(outcome.state).to.deep.equal({ count: 3 });
      expect(
        outcome.replies.map((reply) => (reply.ok ? reply.value : reply.failure.kind)),
      ).to.deep.equal([2, 'error', 'invalid', 'no-handler', 'timeout', null, 3]);
    });
  });
}

describe('definitions', () => {
  it('are found in modules and inline, and offered by queue key', async () => {
    await using world = await World.start({ inline: [closure('mine', () => 1)] });
    expect([...world.executor.offers]).to.include.members([
      'noop',
      'mine',
      'order/price',
      'actor:counter',
    ]);
    expect(world.executor.offers.has('order/gift')).to.be.false;
  });

  it('can be added while it runs', async () => {
    await using world = await World.start();
    world.executor.add(closure('late', () => 'here'));
    expect(await world.outcome(attempt('late'))).to.deep.equal(completed('here'));
    expect(world.executor.offers.has('late')).to.be.true;
  });

  it('of the same type with different code are refused, naming both places', async () => {
    const start = World.start({ modules: [fixture('tasks'), fixture('rival')] });
    expect(await messageOf(start))
      .to.include('tasks.ts')
      .and.include('rival.ts');
  });

  it('may come from one object in several places', async () => {
    await using world = await World.start({ inline: await definitions() });
    const where = await world.outcome(attempt('where'));
    expect(where).to.not.deep.equal(completed({ thread: 0 }));
  });

  it('given inline may decide and map for a handler in a thread', async () => {
    const { graph } = await import('./fixtures/workflows.ts');
    await using world = await World.start({
      inline: [
        {
          kind: 'workflow',
          graph: graph('mixed', 'v1', ['one']),
          tasks: [],
          code: {
            one: {
              when: ({ merged }) => merged['run'] === true,
              map: ({ merged }) => ({ mapped: merged }),
            },
          },
        },
      ],
    });
    const job = { workflow: 'mixed', step: 'one', conditional: true, mapped: true };
    const mapped = await world.outcome(attempt('echo', { run: true }, { job }));
    expect(mapped).to.deep.equal(completed({ mapped: { run: true } }));
    const skipped = await world.outcome(attempt('echo', { run: false }, { job }));
    expect(skipped).to.deep.equal({ status: 'skipped' });
  });

  it('whose module imports something broken say in which line of which file that is', async () => {
    await using dir = await TempDir.create();
    await writeFile(dir.join('tasks.ts'), "import './broken.ts';");
    await writeFile(dir.join('broken.ts'), 'const a = 1;\nexport const b: = 2;\n');
    const start = World.start({ modules: [pathToFileURL(dir.join('tasks.ts')).href] });
    expect(await messageOf(start))
      .to.include('tasks.ts could not be imported: SyntaxError')
      .and.include(`${dir.join('broken.ts')}:2)`);
  });

  it('whose module defines a graph that cannot be say in which of its lines', async () => {
    await using dir = await TempDir.create();
    const sdk = new URL('../../src/sdk/index.ts', import.meta.url).href;
    const file = dir.join('tasks.ts');
    const steps = "workflow('w').task('b', { needs: ['a'], run: () => ({}) }).build();";
    await writeFile(file, `import { workflow } from '${sdk}';\nexport const w = ${steps}\n`);
    const start = World.start({ modules: [pathToFileURL(file).href] });
    expect(await messageOf(start))
      .to.include('DefinitionError')
      .and.include(`(${file}:2)`);
  });

  it('whose module cannot be imported stop the start, naming it', async () => {
    const start = World.start({ modules: [fixture('missing')] });
    expect(await messageOf(start)).to.include('missing.ts');
  });
});

async function definitions(): Promise<Definition[]> {
  const tasks = await import('./fixtures/tasks.ts');
  const { order, counter } = await import('./fixtures/workflows.ts');
  return [...tasks.default, order, counter];
}

function step(
  name: string,
  input: Record<string, number>,
  job: { conditional?: boolean; mapped?: boolean; version?: string } = {},
): ReturnType<typeof attempt> {
  return attempt(`order/${name}`, input, { job: { workflow: 'order', step: name, ...job } });
}

function completed(output: unknown): unknown {
  return { status: 'completed', output };
}

function failureOf(outcome: Outcome): Extract<Outcome, { status: 'failed' }>['failure'] {
  if (outcome.status !== 'failed') throw new Error(`did not fail: ${JSON.stringify(outcome)}`);
  return outcome.failure;
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  throw new Error('it did not reject');
}
