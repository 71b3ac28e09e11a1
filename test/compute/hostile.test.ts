import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Failure } from '#actors/failure.ts';
import type { Outcome, Work } from '#actors/work.ts';

import { attempt, World } from './support/world.ts';

describe('a task that attacks its thread', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'temjob-'));
    file = join(folder, 'go');
  });
  afterEach(async () => await rm(folder, { recursive: true }));

  for (const [type, message] of [
    ['exit', 'process.exit(3) was called'],
    ['exit in a timer', 'process.exit(4) was called'],
    ['throws in a timer', 'uncaught exception: thrown in a timer'],
    ['rejects unheard', 'unhandled rejection: nobody listens'],
  ] as const) {
    it(`fails alone when it ${type.startsWith('exit') ? `calls ${type}` : type}`, async () => {
      await using world = await World.start();
      const { attack, mates } = await attackBesideMates(world, attempt(type));
      const failure = failureOf(await world.finished(attack));
      expect(failure.kind).to.equal('crashed');
      expect(failure.message).to.include(message);
      await writeFile(file, '');
      await expectUnharmed(world, mates);
      for (const mate of mates) expect(starts(world, mate)).to.equal(1);
    });
  }

  it('hurts nobody when its timer throws after its end', async () => {
    await using world = await World.start();
    const { attack, mates } = await attackBesideMates(world, attempt('throws when it has ended'));
    expect(await world.finished(attack)).to.include({ status: 'completed' });
    await world.warned('too late to hurt');
    await writeFile(file, '');
    await expectUnharmed(world, mates);
  });

  it('fails alone when it runs out of memory; its mates run again', async () => {
    await using world = await World.start({ maxOldGenerationMb: 48, isolatedThreads: 3 });
    const { attack, mates } = await attackBesideMates(world, attempt('eats memory'));
    const failure = failureOf(await world.finished(attack));
    expect(failure).to.include({ kind: 'crashed', name: 'OutOfMemoryError' });
    expect(failure.message).to.include('48 MB');
    await writeFile(file, '');
    await expectUnharmed(world, mates);
    expect(await world.outcome(attempt('noop'))).to.include({ status: 'completed' });
  });

  it('fails alone when it runs out of memory in a thread of its own', async () => {
    await using world = await World.start({ maxOldGenerationMb: 48 });
    const failure = failureOf(await world.outcome(attempt('eats memory', {}, { isolate: true })));
    expect(failure).to.include({ kind: 'crashed', name: 'OutOfMemoryError' });
  });

  it('is terminated when it blocks a shared thread and is aborted; its mates run again', async () => {
    await using world = await World.start();
    const { attack, mates } = await attackBesideMates(world, attempt('blocks at once'));
    world.executor.abort(attack, 'it took too long');
    const failure = failureOf(await world.finished(attack));
    expect(failure.kind).to.equal('crashed');
    expect(failure.message).to.include('it took too long').and.include('did not respond');
    await writeFile(file, '');
    await expectUnharmed(world, mates);
  });

  it('is terminated when it blocks a shared thread after it was given up', async () => {
    await using world = await World.start();
    const { attack, mates } = await attackBesideMates(world, attempt('blocks when aborted'));
    world.executor.abort(attack, 'it took too long');
    expect(failureOf(await world.finished(attack)).message).to.include('still runs');
    await world.warned('had been given up');
    await writeFile(file, '');
    await expectUnharmed(world, mates);
  });

  it('is terminated when it blocks a thread of its own and is aborted', async () => {
    await using world = await World.start();
    const attack = attempt('blocks at once', {}, { isolate: true });
    world.executor.run(attack);
    await world.started(attack);
    world.executor.abort(attack, 'it took too long');
    expect(failureOf(await world.finished(attack)).kind).to.equal('crashed');
    expect(await world.outcome(attempt('noop', {}, { isolate: true }))).to.include({
      status: 'completed',
    });
  });

  it('cannot stop the next by what it left behind', async () => {
    await using world = await World.start();
    await world.outcome(attempt('leaves a bomb', {}, { isolate: true }));
    await world.outcome(attempt('leaves a bomb'));
    const terminated = new AbortController();
    const warned = world.warned('no attempt answers for').then(() => terminated.abort());
    // The bomb goes off a moment after its attempt; whoever comes then must not notice.
    while (!terminated.signal.aborted) {
      for (const isolate of [true, false]) {
        const outcome = await world.outcome(attempt('noop', {}, { isolate }));
        expect(outcome).to.include({ status: 'completed' });
      }
    }
    await warned;
  });

  it('cannot prevent the stop', async () => {
    const world = await World.start({ isolatedThreads: 2 });
    const works = [attempt('blocks at once'), attempt('blocks at once', {}, { isolate: true })];
    for (const work of works) world.executor.run(work);
    await Promise.all(works.map(async (work) => await world.started(work)));
    await world.executor.stop(0);
    for (const work of works) expect(await world.finished(work)).to.include({ status: 'released' });
  });

  /** Two mates wait in the same thread for a file; then the attack begins. */
  async function attackBesideMates(
    world: World,
    attack: Work,
  ): Promise<{ attack: Work; mates: Work[] }> {
    const mates = [
      attempt('waits for its file', { file }),
      attempt('waits for its file', { file }),
    ];
    for (const work of mates) world.executor.run(work);
    await Promise.all(mates.map(async (work) => await world.started(work)));
    world.executor.run(attack);
    await world.started(attack);
    return { attack, mates };
  }
});

async function expectUnharmed(world: World, mates: readonly Work[]): Promise<void> {
  for (const mate of mates) {
    expect(await world.finished(mate)).to.deep.equal({
      status: 'completed',
      output: { found: true },
    });
    expect(world.told(mate).filter((told) => told.type === 'finished')).to.have.length(1);
  }
}

function starts(world: World, work: Work): number {
  return world.told(work).filter((told) => told.type === 'started').length;
}

function failureOf(outcome: Outcome): Failure {
  if (outcome.status !== 'failed') throw new Error(`did not fail: ${JSON.stringify(outcome)}`);
  return outcome.failure;
}
