import { expect } from 'chai';

import { isPassing } from '#cluster/redis/connection.ts';
import { MailboxFullError, Mailboxes } from '#cluster/redis/mailboxes.ts';

import { rejection } from '../support/rejection.ts';
import { freshPrefix, sharedServers } from '../support/servers.ts';
import { linkTo, lossyWay, nextChange, sharedLink } from './support.ts';

describe('the mailboxes', () => {
  it('keep the order of each of several senders at once', async () => {
    const prefix = freshPrefix();
    await using one = await sharedLink(prefix);
    await using other = await sharedLink(prefix);
    const count = 1200;

    await Promise.all(
      [one, other].map(async (link, sender) => {
        const mailboxes = new Mailboxes(link);
        const sends = Array.from(
          { length: count },
          async (_, n) => await mailboxes.send(1, `${sender} ${n}`),
        );
        await link.commands.script('FLUSH');
        await Promise.all(sends);
      }),
    );

    const entries = (await new Mailboxes(one).read([{ shard: 1, after: null }], 9999)).get(1) ?? [];
    for (const sender of ['0', '1']) {
      const numbers = entries
        .map((entry) => entry.message.split(' '))
        .filter(([from]) => from === sender)
        .map(([, n]) => Number(n));
      expect(numbers).deep.equals(Array.from({ length: count }, (_, n) => n));
    }
  });

  it('refuse what is beyond the limit, and take more when some is removed', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link, { limit: 3 });

    const settled = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map(async (m) => await mailboxes.send(7, m)),
    );
    const [first] = (await mailboxes.read([{ shard: 7, after: null }], 1)).get(7) ?? [];
    await mailboxes.remove(7, [first?.id ?? '']);
    await mailboxes.send(7, 'f');

    expect(settled.map(({ status }) => status)).deep.equals([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    const error = await rejection(mailboxes.send(7, 'g'));
    expect(error).instanceOf(MailboxFullError);
    expect(isPassing(error)).equals(false);
    const left = (await mailboxes.read([{ shard: 7, after: null }], 9)).get(7);
    expect(left?.map((entry) => entry.message)).deep.equals(['b', 'c', 'f']);
  });

  it('tell a sender who owns the shard', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link);
    await mailboxes.installOwner([{ shard: 2, node: 'n2', epoch: 1 }]);

    expect(await Promise.all([mailboxes.send(1, 'x'), mailboxes.send(2, 'y')])).deep.equals([
      { owner: null },
      { owner: 'n2' },
    ]);
  });

  it('never go back to the owner of a lower epoch', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link);

    await mailboxes.installOwner([
      { shard: 1, node: 'new', epoch: 12 },
      { shard: 2, node: 'a', epoch: 1 },
    ]);
    await mailboxes.installOwner([
      { shard: 1, node: 'old', epoch: 9 },
      { shard: 2, node: 'b', epoch: 2 },
    ]);

    expect(await Promise.all([mailboxes.send(1, 'x'), mailboxes.send(2, 'y')])).deep.equals([
      { owner: 'new' },
      { owner: 'b' },
    ]);
  });

  it('give everything that is not removed, again and again, oldest first', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link);
    await Promise.all(['a', 'b', 'c', 'd'].map(async (m) => await mailboxes.send(1, m)));
    await mailboxes.send(3, 'z');
    const all = [1, 2, 3].map((shard) => ({ shard, after: null }));

    const before = await mailboxes.read(all, 10);
    const ids = before.get(1)?.map((entry) => entry.id) ?? [];
    await Promise.all([
      mailboxes.remove(1, [ids[1] ?? '']),
      mailboxes.remove(1, [ids[2] ?? '', '1-1']),
    ]);
    const after = await mailboxes.read(all, 10);

    expect([...before.keys()]).deep.equals([1, 3]);
    expect(before.get(1)?.map((entry) => entry.message)).deep.equals(['a', 'b', 'c', 'd']);
    expect(after.get(1)?.map((entry) => entry.message)).deep.equals(['a', 'd']);
    expect(after.get(3)).deep.equals(before.get(3));
  });

  it('read on from an id, and no more than asked for', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link);
    await Promise.all(['a', 'b', 'c', 'd'].map(async (m) => await mailboxes.send(1, m)));

    const [first] = (await mailboxes.read([{ shard: 1, after: null }], 1)).get(1) ?? [];
    const next = (await mailboxes.read([{ shard: 1, after: first?.id ?? null }], 2)).get(1);

    expect(next?.map((entry) => entry.message)).deep.equals(['b', 'c']);
  });

  it('hold a message once when the reply to its send was lost, and say that it is unknown', async () => {
    const { redis } = await sharedServers();
    await using way = await lossyWay(redis);
    await using link = await linkTo(way.url);
    const mailboxes = new Mailboxes(link);
    const up = nextChange(link, 'up');

    const lost = way.loseNextReply();
    const error = await rejection(mailboxes.send(1, 'once'));
    await lost;
    await up;
    await mailboxes.send(1, 'then');

    expect(isPassing(error)).equals(true);
    const entries = (await mailboxes.read([{ shard: 1, after: null }], 9)).get(1);
    expect(entries?.map((entry) => entry.message)).deep.equals(['once', 'then']);
  });

  it('carry text of every script and size', async () => {
    await using link = await sharedLink();
    const mailboxes = new Mailboxes(link);
    const texts = ['', '"\\\r\n\0', 'žluťoučký 馬 🐎', 'x'.repeat(1_000_000)];

    await Promise.all(texts.map(async (m) => await mailboxes.send(1, m)));

    const entries = (await mailboxes.read([{ shard: 1, after: null }], 9)).get(1);
    expect(entries?.map((entry) => entry.message)).deep.equals(texts);
  });
});
