import { expect } from 'chai';

import { Beats } from '#cluster/redis/beats.ts';
import { isPassing, openRedis, RedisLink } from '#cluster/redis/connection.ts';
import { Doorbell, Doorbells } from '#cluster/redis/doorbells.ts';
import { Inbox, Inboxes } from '#cluster/redis/inbox.ts';
import { Mailboxes } from '#cluster/redis/mailboxes.ts';
import { command } from '#cluster/redis/scripts.ts';
import { TaskQueues } from '#cluster/redis/task-queues.ts';

import { rejection } from '../support/rejection.ts';
import { sharedServers } from '../support/servers.ts';
import { Heard, linkTo, lossyWay, nextChange, privateRedis, sharedLink } from './support.ts';

describe('the link to Redis', () => {
  it('says which address does not answer, and keeps the password to itself', async () => {
    const error = await rejection(RedisLink.connect('redis://me:secret@127.0.0.1:1/0'));

    expect(error).instanceOf(Error);
    expect(String(error)).contains('redis://127.0.0.1:1/0').and.contains('ECONNREFUSED');
    expect(String(error)).not.contains('secret');
  });

  it('takes no URL of another kind', async () => {
    expect(String(await rejection(RedisLink.connect('mysql://127.0.0.1/x')))).contains('redis://');
  });

  it('uses the database that the URL names', async () => {
    const { redis } = await sharedServers();
    await using link = await linkTo(`${redis}?db=3`);

    expect(await link.commands.client('INFO')).contains(' db=3 ');
  });

  it('opens no connection before it is asked to, and names each by its purpose', async () => {
    const redis = openRedis((await sharedServers()).redis, { purpose: 'blocking' });

    expect(redis.status).equals('wait');
    await redis.connect();
    expect(await redis.client('GETNAME')).equals('temjob-blocking');
    redis.disconnect();
  });

  it('sends a command once, though its reply was lost', async () => {
    const { redis } = await sharedServers();
    await using way = await lossyWay(redis);
    await using link = await linkTo(way.url);
    const up = nextChange(link, 'up');

    const lost = way.loseNextReply();
    const error = await rejection(link.run(command('incr', link.key('{x}:count'))));
    await lost;
    const dataMayBeLost = await up;

    expect(isPassing(error)).equals(true);
    expect(dataMayBeLost).equals(false);
    expect(await link.commands.get(link.key('{x}:count'))).equals('1');
  });

  it('fails calls at once with a passing error while the server is down', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const down = nextChange(link, 'down');

    await server.kill();
    await down;
    const errors = await Promise.all([
      rejection(link.run(command('ping'))),
      rejection(new Mailboxes(link).send(1, 'hello')),
      rejection(new Mailboxes(link).read([{ shard: 1, after: null }], 1)),
      rejection(new Doorbells(link).ring('n', ['s1'])),
      rejection(new Inboxes(link).post('n', 'hello')),
      rejection(new TaskQueues(link).claim('q', 'n', 1)),
      rejection(new Beats(link).beat('n', null)),
    ]);

    expect(errors.map(isPassing)).deep.equals(errors.map(() => true));
  });

  it('comes back after the server was killed, with the data, and everyone listens again', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const [bell, inbox] = [new Doorbell(link, 'n'), new Inbox(link, 'n')];
    const [rung, received] = [new Heard(), new Heard()];
    bell.listen(rung.listener);
    inbox.listen(received.listener);
    await new Doorbells(link).ring('n', ['s1']);
    await new Inboxes(link).post('n', 'before');
    await Promise.all([rung.until(1), received.until(1)]);
    await new Mailboxes(link).send(1, 'kept');
    const up = nextChange(link, 'up');

    await server.kill();
    await server.restart();
    const dataMayBeLost = await up;

    expect(dataMayBeLost).equals(true);
    expect(
      (await new Mailboxes(link).read([{ shard: 1, after: null }], 9))
        .get(1)
        ?.map((e) => e.message),
    ).deep.equals(['kept']);
    await new Doorbells(link).ring('n', ['s2']);
    await new Inboxes(link).post('n', 'after');
    expect(await rung.until(2)).deep.equals(['s1', 's2']);
    expect(await received.until(2)).deep.equals(['before', 'after']);
    await Promise.all([bell.stop(), inbox.stop()]);
  });

  it('reports a flush once, at the next beat', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const beats = new Beats(link);
    await beats.beat('n', '{}');
    const told: [string, boolean][] = [];
    link.onChange((...change) => told.push(change));

    await beats.beat('n', null);
    await link.commands.flushall();
    await beats.beat('n', null);
    await beats.beat('n', null);

    expect(told).deep.equals([['up', true]]);
  });

  it('reports a flush that happened while it was away', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    await using other = await linkTo(server.url);
    const up = nextChange(link, 'up');

    await other.commands.multi().flushall().call('client', 'KILL', 'TYPE', 'normal').exec();

    expect(await up).equals(true);
  });

  it('does not report lost data when only the connection was cut', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    await using other = await linkTo(server.url);
    const up = nextChange(link, 'up');

    await other.commands.call('client', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    expect(await up).equals(false);
  });

  it('goes on when the server has forgotten the scripts', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const mailboxes = new Mailboxes(link);

    await link.commands.script('FLUSH');
    const sent = Promise.all(
      ['a', 'b', 'c'].map(async (m, index) => await mailboxes.send(index % 2, m)),
    );
    const claimed = new TaskQueues(link).claim('q', 'n', 1);

    expect(await sent).lengthOf(3);
    expect((await claimed).items).deep.equals([]);
    expect(await mailboxes.depth([0, 1])).deep.equals(
      new Map([
        [0, 2],
        [1, 1],
      ]),
    );
  });

  it('finds nothing wrong with a server that keeps everything', async () => {
    await using link = await sharedLink();

    expect(await link.checkSettings()).deep.equals([]);
  });

  it('names an eviction policy and says how to change it', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    await link.commands.config('SET', 'maxmemory-policy', 'allkeys-lru');

    const problems = await link.checkSettings();

    expect(problems).lengthOf(1);
    expect(problems[0])
      .contains('allkeys-lru')
      .and.contains('CONFIG SET maxmemory-policy noeviction');
  });

  it('calls a full memory passing, and nothing is half done by it', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const [mailboxes, queues] = [
      new Mailboxes(link),
      new TaskQueues(link, { firstLeaseMs: 0, maxDeliveries: 1 }),
    ];
    await queues.push(
      'q',
      ['k1', 'k2'].map((key) => ({ key, priority: 3, payload: key })),
    );
    await queues.claim('q', 'n', 1);
    await mailboxes.send(1, 'first');
    const [entry] = (await mailboxes.read([{ shard: 1, after: null }], 1)).get(1) ?? [];

    await link.commands.config('SET', 'maxmemory', '1');
    const errors = await Promise.all([
      rejection(mailboxes.send(1, 'second')),
      rejection(queues.push('q', [{ key: 'k3', priority: 3, payload: '' }])),
      rejection(queues.claim('q', 'n', 1)),
      rejection(queues.release('q', 'n', ['k1'])),
      rejection(queues.heartbeat('q', 'n', ['k1'])),
    ]);
    await mailboxes.remove(1, [entry?.id ?? '']);
    await link.commands.config('SET', 'maxmemory', '0');

    expect(errors.map(isPassing)).deep.equals([true, true, true, true, true]);
    expect(await mailboxes.depth([1])).deep.equals(new Map([[1, 0]]));
    const { items, poisoned } = await queues.claim('q', 'n', 9);
    expect(items.map((item) => item.key)).deep.equals(['k2']);
    expect(poisoned.map((item) => item.key)).deep.equals(['k1']);
  });

  it('calls a server that became a replica passing', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    await link.commands.replicaof('127.0.0.1', '1');

    const error = await rejection(new Mailboxes(link).send(1, 'hello'));

    expect(String(error)).contains('READONLY');
    expect(isPassing(error)).equals(true);
  });

  it('does not call a mistake passing', async () => {
    await using link = await sharedLink();
    await link.commands.set(link.key('{x}:text'), 'text');

    const error = await rejection(link.run(command('lpush', link.key('{x}:text'), 'item')));

    expect(isPassing(error)).equals(false);
  });
});
