import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { expect } from 'chai';

import { type Client, ClusterError, connect, NotPermittedError, workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { openDoors } from '../support/doors.ts';
import { rejection } from '../support/rejection.ts';

const greet = workflow('greet')
  .task('compose', { run: () => ({ text: 'Hello' }) })
  .build();

describe('a client over HTTP', () => {
  it('takes a key for a door that asks for one, and says what it may not do', async () => {
    await using cluster = await startCluster({ definitions: [greet] });
    const keys = [keyOf('watcher', 'tk_watch', 'read'), keyOf('runner', 'tk_run', 'operate')];
    await using doors = await openDoors(cluster.apis, { keys });
    const { url } = doors;

    await using stranger = await connect({ url });
    await using forger = await connect({ url, apiKey: 'tk_guessed' });
    await using watcher = await connect({ url, apiKey: 'tk_watch' });
    await using runner = await connect({ url, apiKey: 'tk_run' });

    expect(await rejection(stranger.stats())).to.include({ code: 'UNAUTHENTICATED' });
    expect(await rejection(forger.stats())).to.include({ code: 'UNAUTHENTICATED' });
    expect(await watcher.stats()).to.include({ completed: 0 });
    const forbidden = await rejection(watcher.start('greet'));
    expect(forbidden).to.be.instanceOf(NotPermittedError).and.include({ code: 'FORBIDDEN' });
    expect(String(forbidden)).to.contain('This needs the scope "operate"');
    expect(await runner.execute('greet')).to.include({ text: 'Hello' });
  });

  it('does not take every answer for that of a door', async () => {
    await using strange = await answering(() => ({ hello: 'world' }));

    const error = await rejection(connect({ url: strange.url }));

    expect(error).to.be.instanceOf(ClusterError).and.include({ code: 'INTERNAL' });
    expect(String(error)).to.contain('answered 200 with something that TemJob does not say');
  });

  for (const [call, make] of [
    ['start()', async (client) => await client.start('greet')],
    ['describe()', async (client) => await client.workflow('w').describe()],
    ['tasks()', async (client) => await client.workflow('w').tasks()],
    ['result()', async (client) => await client.workflow('w').result()],
    ['listWorkflows()', async (client) => await client.listWorkflows()],
    ['stats()', async (client) => await client.stats()],
    ['ask()', async (client) => await client.actor('a', 'k').ask('on')],
  ] satisfies [string, (client: Client) => Promise<unknown>][]) {
    it(`lets no answer of another shape out of ${call}`, async () => {
      await using strange = await answering((path) =>
        path === '/livez' ? { status: 'ok' } : { tasks: [{}], workflows: [{}], pending: 'many' },
      );
      await using client = await connect({ url: strange.url });

      const error = await rejection(make(client));

      expect(error).to.be.instanceOf(ClusterError).and.include({ code: 'INTERNAL' });
    });
  }
});

function keyOf(name: string, key: string, scope: 'read' | 'operate') {
  return { name, sha256: createHash('sha256').update(key).digest('hex'), scopes: [scope] };
}

/** A server that says something else than a door does. */
async function answering(
  answer: (path: string) => object,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(answer(request.url ?? '')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
