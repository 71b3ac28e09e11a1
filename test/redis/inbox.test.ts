import { expect } from 'chai';

import { Inbox, Inboxes } from '#cluster/redis/inbox.ts';

import { Heard, linkTo, nextChange, privateRedis, sharedLink } from './support.ts';

describe('an inbox', () => {
  it('gets all posts to its node in order, those of one tick together', async () => {
    await using link = await sharedLink();
    const inboxes = new Inboxes(link);
    const posts = Array.from({ length: 3000 }, (_, n) => `post ${n}`);
    const inbox = new Inbox(link, 'n');
    const received = new Heard();

    inbox.listen(received.listener);
    await Promise.all([
      ...posts.map(async (post) => await inboxes.post('n', post)),
      inboxes.post('another', 'not for n'),
    ]);

    expect(await received.until(3000)).deep.equals(posts);
    expect(received.batches.length).within(1, 20);
    await inbox.stop();
  });

  it('holds the newest ten thousand, for a minute', async () => {
    await using link = await sharedLink();
    const inboxes = new Inboxes(link);

    await Promise.all(
      Array.from({ length: 10_050 }, async (_, n) => await inboxes.post('n', String(n))),
    );

    const key = link.key('{nn}:inbox');
    expect(await link.commands.llen(key)).equals(10_000);
    expect(await link.commands.lindex(key, -1)).equals('10049');
    expect(await link.commands.ttl(key)).within(1, 60);
  });

  it('goes on listening when its connection is cut', async () => {
    await using server = await privateRedis();
    await using link = await linkTo(server.url);
    const inbox = new Inbox(link, 'n');
    const received = new Heard();
    inbox.listen(received.listener);
    await new Inboxes(link).post('n', 'before');
    await received.until(1);
    const up = nextChange(link, 'up');

    await link.commands.call('client', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no');
    await up;
    await new Inboxes(link).post('n', 'after');

    expect(await received.until(2)).deep.equals(['before', 'after']);
    await inbox.stop();
  });
});
