import { expect } from 'chai';

import { Doorbell, Doorbells } from '#cluster/redis/doorbells.ts';

import { Heard, linkTo, nextChange, privateRedis, sharedLink } from './support.ts';

describe('a doorbell', () => {
  it('wakes its node, and no other', async () => {
    await using link = await sharedLink();
    const [mine, other] = [new Doorbell(link, 'mine'), new Doorbell(link, 'other')];
    const [rung, wrong] = [new Heard(), new Heard()];
    mine.listen(rung.listener);
    other.listen(wrong.listener);

    await new Doorbells(link).ring('mine', ['s137']);

    expect(await rung.until(1)).deep.equals(['s137']);
    expect(wrong.all).deep.equals([]);
    await Promise.all([mine.stop(), other.stop()]);
  });

  it('is heard once for all rings that came before', async () => {
    await using link = await sharedLink();
    const bells = new Doorbells(link);
    await bells.ring('n', ['s1', 'qmail']);
    await Promise.all([bells.ring('n', ['s1']), bells.ring('n', ['s2', 's1'])]);
    const bell = new Doorbell(link, 'n');
    const rung = new Heard();

    bell.listen(rung.listener);
    await rung.until(3);
    await bells.ring('n', ['s9']);
    await rung.until(4);

    expect(rung.batches.map((batch) => batch.toSorted())).deep.equals([
      ['qmail', 's1', 's2'],
      ['s9'],
    ]);
    await bell.stop();
  });

  it('goes on listening when its connection is cut', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const bell = new Doorbell(link, 'n');
    const rung = new Heard();
    bell.listen(rung.listener);
    await new Doorbells(link).ring('n', ['s1']);
    await rung.until(1);
    const up = nextChange(link, 'up');

    await link.commands.call('client', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no');
    await up;
    await new Doorbells(link).ring('n', ['s2']);

    expect(await rung.until(2)).deep.equals(['s1', 's2']);
    await bell.stop();
  });

  it('stops at once while it waits, and is silent then', async () => {
    await using link = await sharedLink();
    const bell = new Doorbell(link, 'n');
    const rung = new Heard();
    bell.listen(rung.listener);

    await bell.stop();
    await new Doorbells(link).ring('n', ['s1']);

    expect(rung.all).deep.equals([]);
    expect(await link.commands.zcard(link.key('{nn}:bell'))).equals(1);
  });

  it('stops while the server is down, and so does the link', async () => {
    await using server = await privateRedis();
    const link = await linkTo(server.url);
    const bell = new Doorbell(link, 'n');
    bell.listen(() => undefined);
    const down = nextChange(link, 'down');
    await server.kill();
    await down;

    await bell.stop();
    await link.close();
  });

  it('of a node that is gone vanishes', async () => {
    await using link = await sharedLink();

    await new Doorbells(link).ring('gone', ['s1']);

    expect(await link.commands.ttl(link.key('{ngone}:bell'))).within(1, 60);
  });
});
