import { expect } from 'chai';

import type { RedisLink } from '#cluster/redis/connection.ts';
import { QueueFullError, TaskQueues } from '#cluster/redis/task-queues.ts';
import type { Claim } from '#cluster/redis/task-queues.ts';

import { rejection } from '../support/rejection.ts';
import { sharedLink } from './support.ts';

const task = (key: string, priority = 3) => ({ key, priority, payload: `do ${key}` });
const keysOf = (claim: Pick<Claim, 'items'>): string[] => claim.items.map((item) => item.key);
// Leases that have run out as soon as they are given.
const fleeting = (link: RedisLink, maxDeliveries = 5) =>
  new TaskQueues(link, { firstLeaseMs: 0, maxDeliveries });

describe('a task queue', () => {
  it('gives the lower priority number first, and first in, first out within one', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    await queues.push('q', [task('c', 3), task('b', 3), task('last', 5)]);
    await queues.push('q', [task('first', 1), task('a', 3)]);

    const claim = await queues.claim('q', 'n', 4);

    expect(keysOf(claim)).deep.equals(['first', 'c', 'b', 'a']);
    expect(claim.items[0]).deep.equals({ key: 'first', payload: 'do first', delivery: 1 });
    expect(claim.remaining).equals(1);
  });

  it('gives an item to one of many nodes that ask at once', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    const keys = Array.from({ length: 450 }, (_, n) => `k${n}`);
    await queues.push(
      'q',
      keys.map((key) => task(key)),
    );

    const claims = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => await queues.claim('q', `n${n}`, 10)),
    );

    expect(claims.flatMap(keysOf).toSorted()).deep.equals(keys.toSorted());
  });

  it('does not change what is there when it is pushed again, ready or leased', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    await queues.push('q', [task('a'), task('b'), task('a', 1)]);
    await queues.claim('q', 'n', 1);

    await queues.push('q', [
      { key: 'a', priority: 1, payload: 'other' },
      { key: 'b', priority: 1, payload: 'other' },
    ]);

    expect((await queues.depth(['q'])).get('q')).include({ ready: 1, leased: 1 });
    expect((await queues.claim('q', 'n', 9)).items).deep.equals([
      { key: 'b', payload: 'do b', delivery: 1 },
    ]);
  });

  it('refuses all of a push that it has no room for', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link, { limit: 2 });
    await queues.push('q', [task('a')]);

    const error = await rejection(queues.push('q', [task('b'), task('c')]));
    await queues.push('q', [task('a'), task('b')]);

    expect(error).instanceOf(QueueFullError);
    expect(keysOf(await queues.claim('q', 'n', 9))).deep.equals(['a', 'b']);
  });

  it('gives an item again, as delivery 2, when its lease has run out', async () => {
    await using link = await sharedLink();
    const queues = fleeting(link);
    await queues.push('q', [task('a'), task('b'), task('c')]);
    await queues.claim('q', 'dead', 2);

    const claim = await queues.claim('q', 'n', 9);

    expect(claim.items.map(({ key, delivery }) => [key, delivery])).deep.equals([
      ['a', 2],
      ['b', 2],
      ['c', 1],
    ]);
  });

  it('lengthens the first, short lease by the first heartbeat', async () => {
    await using link = await sharedLink();
    const queues = fleeting(link);
    await queues.push('q', [task('a'), task('b')]);
    await queues.claim('q', 'n', 2);

    await queues.heartbeat('q', 'n', ['a']);

    expect(keysOf(await queues.claim('q', 'other', 9))).deep.equals(['b']);
  });

  it('gives up an item that was delivered too often, and names it', async () => {
    await using link = await sharedLink();
    const queues = fleeting(link, 2);
    await queues.push('q', [task('bad')]);
    await queues.claim('q', 'n1', 1);
    const second = await queues.claim('q', 'n2', 1);

    const third = await queues.claim('q', 'n3', 1);

    expect(second.items).deep.equals([{ key: 'bad', payload: 'do bad', delivery: 2 }]);
    expect(third).deep.equals({
      items: [],
      poisoned: [{ key: 'bad', payload: 'do bad' }],
      remaining: 0,
    });
    expect(await queues.has('q', ['bad'])).deep.equals([false]);
  });

  it('lets only the holder finish, extend or give back', async () => {
    await using link = await sharedLink();
    const queues = fleeting(link);
    await queues.push('q', [task('a')]);
    await queues.claim('q', 'first', 1);
    await new TaskQueues(link).claim('q', 'second', 1);

    const lost = await queues.heartbeat('q', 'first', ['a', 'never']);
    await queues.done('q', 'first', ['a']);
    await queues.release('q', 'first', ['a']);

    expect(lost).deep.equals(['a', 'never']);
    expect((await queues.depth(['q'])).get('q')).include({ ready: 0, leased: 1 });
    expect(await queues.heartbeat('q', 'second', ['a'])).deep.equals([]);
    await queues.done('q', 'second', ['a']);
    expect(await queues.has('q', ['a'])).deep.equals([false]);
  });

  it('takes back what is released, to the front and without counting it', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    await queues.push('q', [task('a'), task('b'), task('c')]);
    await queues.claim('q', 'draining', 2);

    await queues.release('q', 'draining', ['a', 'b']);

    const claim = await queues.claim('q', 'n', 9);
    expect(claim.items.map(({ key, delivery }) => [key, delivery])).deep.equals([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
  });

  it('cancels what is ready, and names the holder of what is leased', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    await queues.push('q', [task('held'), task('waiting')]);
    await queues.claim('q', 'n', 1);

    expect(await queues.cancel('q', 'waiting')).deep.equals({ was: 'ready', holder: null });
    expect(await queues.cancel('q', 'held')).deep.equals({ was: 'leased', holder: 'n' });
    expect(await queues.cancel('q', 'held')).deep.equals({ was: 'absent', holder: null });
    expect(await queues.heartbeat('q', 'n', ['held'])).deep.equals(['held']);
    expect((await queues.claim('q', 'n', 9)).items).deep.equals([]);
  });

  it('does not hold an item for as long as a clock was set back', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link, { firstLeaseMs: 0, leaseMs: 0 });
    await queues.push('q', [task('a')]);
    await queues.claim('q', 'dead', 1);
    await link.commands.zadd(link.key('{qq}:leases'), Date.now() + 3_600_000, 'a');

    expect(keysOf(await queues.claim('q', 'n', 1))).deep.equals(['a']);
  });

  it('tells how much waits and how long, over all priorities', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    await queues.push('q', [task('old', 5), task('held', 1)]);
    await queues.claim('q', 'n', 1);
    // As if it had been pushed a minute ago.
    await link.commands.hset(link.key('{qq}:state'), 'old', `0 5 ${Date.now() - 60_000} `);
    await queues.push('q', [task('new', 1)]);

    const depths = await queues.depth(['q', 'empty']);

    expect(depths.get('q')).include({ ready: 2, leased: 1 });
    expect(depths.get('q')?.oldestMs).within(59_000, 80_000);
    expect(depths.get('empty')).deep.equals({ ready: 0, leased: 0, oldestMs: 0 });
  });

  it('may have any name, and leaves nothing behind when it is empty', async () => {
    await using link = await sharedLink();
    const queues = new TaskQueues(link);
    const name = 'orders/{eu} žluť';
    await queues.push(name, [task('a')]);
    await queues.push('orders/', [task('b')]);

    const claim = await queues.claim(name, 'n', 9);
    await queues.done(name, 'n', keysOf(claim));

    expect(keysOf(claim)).deep.equals(['a']);
    expect(await link.commands.keys(link.key('*orders*eu*'))).deep.equals([]);
  });
});
