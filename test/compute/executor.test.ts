import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Failure } from '#actors/failure.ts';
import type { Outcome } from '#actors/work.ts';

import { attempt, closure, World } from './support/world.ts';

const done = { status: 'completed', output: {} };

describe('the executor', () => {
  it('is ready before its threads are, and runs what came early', async () => {
    await using world = await World.start({ threads: 2 });
    const works = Array.from({ length: 100 }, () => attempt('noop'));
    const outcomes = await Promise.all(works.map(async (work) => await world.outcome(work)));
    expect(outcomes).to.deep.equal(works.map(() => done));
  });

  it('finishes each of thousands once', async () => {
    await using world = await World.start({ threads: 2, concurrency: 64 });
    const works = Array.from({ length: 5000 }, () => attempt('echo', { text: 'é'.repeat(100) }));
    await Promise.all(works.map(async (work) => await world.outcome(work)));
    for (const work of works) {
      expect(world.told(work).map((told) => told.type)).to.deep.equal(['started', 'finished']);
    }
  });

  it('carries outputs larger than the shared memory', async () => {
    await using world = await World.start();
    const lengths = [1, 1_000_000, 2, 100_000, 90_000, 80_000, 1_500_000, 3];
    const outcomes = await Promise.all(
      lengths.map(async (length) => await world.outcome(attempt('returns text', { length }))),
    );
    expect(
      outcomes.map(
        (outcome) => outcome.status === 'completed' && JSON.stringify(outcome.output).length - 2,
      ),
    ).to.deep.equal(lengths);
  });

  it('begins the first priority first', async () => {
    await using world = await World.start({ concurrency: 1 });
    const works = [5, 3, 1, 4, 1, 2].map((priority) =>
      attempt('noop', {}, { priority, actor: `p${priority}` }),
    );
    await Promise.all(works.map(async (work) => await world.outcome(work)));
    expect(world.order).to.deep.equal(['p1', 'p1', 'p2', 'p3', 'p4', 'p5']);
  });

  it('runs no more at once than it was told, and says how many more could begin', async () => {
    await using world = await World.start({ concurrency: 2 });
    const works = [attempt('never'), attempt('never'), attempt('noop')];
    for (const work of works) world.executor.run(work);
    await world.started(works[1] ?? attempt('never'));
    expect(world.executor.queued).to.equal(1);
    expect(world.executor.free).to.equal(0);
    expect(world.executor.stats()).to.deep.include({ threads: 1, busy: 2, queued: 1 });
  });

  it('tells of a beginning while the attempt runs', async () => {
    await using world = await World.start();
    const work = attempt('never');
    const before = Date.now();
    world.executor.run(work);
    await world.started(work);
    const [told] = world.told(work);
    expect(told?.type === 'started' && told.at).to.be.within(before, Date.now());
  });

  it('lets a waiting task hold back none of those sent with it', async () => {
    await using world = await World.start();
    const slow = attempt('never');
    const mates = [attempt('noop'), slow, attempt('noop'), attempt('noop')];
    for (const work of mates) world.executor.run(work);
    for (const work of mates) {
      if (work !== slow) expect(await world.finished(work)).to.deep.equal(done);
    }
    await world.started(slow);
    expect(world.told(slow)).to.have.length(1);
  });

  it('lets a task that blocks its thread hold back none of those sent with it', async () => {
    await using world = await World.start({ threads: 2 });
    const blocker = attempt('blocks at once');
    const mates = Array.from({ length: 5 }, () => attempt('noop'));
    const works = [...mates.slice(0, 2), blocker, ...mates.slice(2)];
    for (const work of works) world.executor.run(work);
    for (const work of mates) expect(await world.finished(work)).to.deep.equal(done);
    await world.started(blocker);
    expect(world.told(blocker)).to.have.length(1);
  });

  it('opens another thread when all are blocked, and goes on', async () => {
    await using world = await World.start({ threads: 1 });
    const blocker = attempt('blocks at once');
    world.executor.run(blocker);
    await world.started(blocker);
    expect(await world.outcome(attempt('noop'))).to.deep.equal(done);
  });

  it('has as many threads as it was told after a blocked one turns again', async () => {
    await using world = await World.start({ threads: 1 });
    const blocker = attempt('block', { ms: 700 });
    world.executor.run(blocker);
    await world.started(blocker);
    await world.outcome(attempt('noop'));
    await world.finished(blocker);
    await world.outcome(attempt('noop'));
    expect(world.executor.stats().threads).to.equal(1);
  });

  it('copies what a closure is given', async () => {
    await using world = await World.start({ inline: [closure('change', changeNested)] });
    const work = attempt('change', { nested: {} });
    expect(await world.outcome(work)).to.deep.equal({
      status: 'completed',
      output: { changed: true },
    });
    expect(work.job).to.have.nested.property('input.nested').that.deep.equals({});
  });
});

describe('abort', () => {
  it('reaches the handler by its signal', async () => {
    await using world = await World.start();
    const work = attempt('slow');
    world.executor.run(work);
    await world.started(work);
    world.executor.abort(work, 'the workflow was canceled');
    const failure = failureOf(await world.finished(work));
    expect(failure).to.include({ kind: 'canceled', name: 'AbortError' });
    expect(failure.message).to.include('the workflow was canceled');
  });

  it('ends what waits without beginning it', async () => {
    await using world = await World.start({ concurrency: 1 });
    const [first, waiting] = [attempt('never'), attempt('noop')];
    world.executor.run(first);
    world.executor.run(waiting);
    await world.started(first);
    world.executor.abort(waiting, 'changed my mind');
    expect(failureOf(await world.finished(waiting)).kind).to.equal('canceled');
    expect(world.told(waiting)).to.have.length(1);
    expect(world.executor.queued).to.equal(0);
  });

  it('may come twice, and for what is not there', async () => {
    await using world = await World.start();
    const work = attempt('slow');
    world.executor.abort(work, 'too early');
    world.executor.run(work);
    await world.started(work);
    world.executor.abort(work, 'first');
    world.executor.abort(work, 'second');
    expect(failureOf(await world.finished(work)).message).to.include('first');
    world.executor.abort(work, 'too late');
    expect(await world.outcome(attempt('noop'))).to.deep.equal(done);
    expect(world.told(work)).to.have.length(2);
  });

  for (const threads of [true, false]) {
    const where = threads ? 'a shared thread' : 'the main thread';
    it(`gives up what ignores it in ${where}, says that it still runs, and frees its place`, async () => {
      const never = closure('endless', async () => await new Promise(() => undefined));
      await using world = await World.start({ concurrency: 1, inline: [never] });
      const work = attempt(threads ? 'never' : 'endless');
      world.executor.run(work);
      await world.started(work);
      world.executor.abort(work, 'enough');
      const failure = failureOf(await world.finished(work));
      expect(failure.kind).to.equal('canceled');
      expect(failure.message).to.include('still runs').and.include('enough');
      if (threads) expect(failure.message).to.include('isolate: true');
      expect(await world.outcome(attempt('noop'))).to.deep.equal(done);
    });
  }

  it('terminates an isolated thread that ignores it', async () => {
    await using world = await World.start();
    const work = attempt('never', {}, { isolate: true });
    world.executor.run(work);
    await world.started(work);
    world.executor.abort(work, 'enough');
    const failure = failureOf(await world.finished(work));
    expect(failure).to.include({ kind: 'crashed', name: 'TerminatedError' });
    expect(failure.message).to.include('within 200 ms').and.include('terminated');
    expect(await world.outcome(attempt('noop', {}, { isolate: true }))).to.deep.equal(done);
  });
});

describe('stop', () => {
  it('lets what runs finish, and releases what has not begun', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'temjob-'));
    const file = join(folder, 'go');
    await using world = await World.start({ concurrency: 1 });
    const [running, waiting] = [attempt('waits for its file', { file }), attempt('noop')];
    world.executor.run(running);
    world.executor.run(waiting);
    await world.started(running);
    const stopped = world.executor.stop(10_000);
    expect(await world.finished(waiting)).to.include({ status: 'released' });
    await writeFile(file, '');
    expect(await world.finished(running)).to.include({ status: 'completed' });
    await stopped;
    await rm(folder, { recursive: true });
  });

  it('releases what does not end in time, wherever it runs', async () => {
    const never = closure('endless', async () => await new Promise(() => undefined));
    await using world = await World.start({ inline: [never], threads: 2 });
    const works = [
      attempt('never'),
      attempt('endless'),
      attempt('slow'),
      attempt('blocks at once', {}, { isolate: true }),
    ];
    for (const work of works) world.executor.run(work);
    await Promise.all(works.map(async (work) => await world.started(work)));
    await world.executor.stop(20);
    for (const work of works) expect(await world.finished(work)).to.include({ status: 'released' });
    expect(world.executor.free).to.equal(0);
  });

  it('releases what comes after it', async () => {
    await using world = await World.start();
    await world.executor.stop(0);
    expect(await world.outcome(attempt('noop'))).to.include({ status: 'released' });
  });

  it('may be called while another call waits', async () => {
    await using world = await World.start();
    await Promise.all([world.executor.stop(0), world.executor.stop(0)]);
  });
});

function changeNested(input: Record<string, unknown>): unknown {
  return Object.assign(input['nested'] ?? {}, { changed: true });
}

function failureOf(outcome: Outcome): Failure {
  if (outcome.status !== 'failed') throw new Error(`did not fail: ${JSON.stringify(outcome)}`);
  return outcome.failure;
}
