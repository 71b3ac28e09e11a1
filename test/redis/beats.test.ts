import { expect } from 'chai';

import { Beats } from '#cluster/redis/beats.ts';

import { linkTo, privateRedis, sharedLink } from './support.ts';

describe('the beats of the nodes', () => {
  it('count for each node, and tell all of all', async () => {
    await using link = await sharedLink();
    const beats = new Beats(link);

    await beats.beat('a', '{"host":"one"}');
    await beats.beat('b', '{"host":"two"}');
    const { nodes } = await beats.beat('a', null);

    expect(nodes).deep.equals(
      new Map([
        ['a', { counter: 2, info: '{"host":"one"}' }],
        ['b', { counter: 1, info: '{"host":"two"}' }],
      ]),
    );
  });

  it('carry the newest info of a node', async () => {
    await using link = await sharedLink();
    const beats = new Beats(link);

    await beats.beat('a', 'old');

    expect((await beats.beat('a', 'new')).nodes.get('a')?.info).equals('new');
    expect((await beats.beat('a', null)).nodes.get('a')?.info).equals('new');
  });

  it('tell the time of Redis, to the microsecond', async () => {
    await using link = await sharedLink();
    const [seconds, microseconds] = await link.commands.time();

    const { timeMs } = await new Beats(link).beat('a', null);

    const before = Number(seconds) * 1000 + Number(microseconds) / 1000;
    expect(timeMs).within(before, before + 10_000);
  });

  it('forget a node', async () => {
    await using link = await sharedLink();
    const beats = new Beats(link);
    await beats.beat('a', 'x');
    await beats.beat('b', 'y');

    await beats.forget('b');

    expect([...(await beats.beat('a', null)).nodes.keys()]).deep.equals(['a']);
  });

  it('change generation, and repeat what they told, when Redis has lost its data', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const beats = new Beats(link);
    const before = await beats.beat('a', 'told once');
    const same = await beats.beat('a', null);

    await link.commands.flushall();
    const after = await beats.beat('a', null);

    expect(same.generation).equals(before.generation);
    expect(after.generation).not.equals(before.generation);
    expect(after.nodes.get('a')?.info).equals('told once');
  });
});
