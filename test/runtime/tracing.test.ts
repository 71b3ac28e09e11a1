import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { expect } from 'chai';

import { Script } from '../dev/script.ts';
import { request } from '../support/doors.ts';
import { freshDatabase, freshPrefix, sharedServers } from '../support/servers.ts';

const main = new URL('../../src/main.ts', import.meta.url);
const modules = fileURLToPath(new URL('../support/modules/traced.ts', import.meta.url));
const installed = fileURLToPath(new URL('../../node_modules', import.meta.url));

describe('otel.mjs of docs/tracing.md', function () {
  this.timeout(60_000);

  it('traces a node and what runs in its threads, when it is loaded before everything else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'temjob-otel-'));
    const text = await readFile(new URL('../../docs/tracing.md', import.meta.url), 'utf8');
    const [, code] = /^```js\n(\/\/ otel\.mjs\n[^]*?)^```$/m.exec(text) ?? [];
    const file = join(directory, 'otel.mjs');
    await writeFile(file, code ?? '');
    await symlink(installed, join(directory, 'node_modules'));
    const servers = await sharedServers();
    await using node = new Script(main, {
      args: ['start'],
      channel: false,
      env: {
        NODE_OPTIONS: `--import=${pathToFileURL(file).href}`,
        TEMJOB__SERVER__PORT: '0',
        TEMJOB__NODE__MODULES: modules,
        TEMJOB__REDIS__URL: servers.redis,
        TEMJOB__REDIS__PREFIX: freshPrefix(),
        TEMJOB__DATABASE__MYSQL__URL: await freshDatabase(servers),
      },
    });
    const [, url = ''] = await node.prints(/"url":"(http:[^"]+)","msg":"the API answers"/);

    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await request(url, 'POST', '/api/v1/workflows', {
      body: { name: 'traced', id: 'traced' },
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    const { body } = await request(url, 'GET', '/api/v1/workflows/traced/result?wait=20s');
    await node.prints(/name: 'temjob.task'/);
    node.signal('SIGTERM');
    await node.exit;
    await rm(directory, { recursive: true });

    const output = JSON.stringify(body['output']);
    const [, inTask] =
      /"traceparent":"00-0af7651916cd43dd8448eb211c80319c-(\w+)-01"/.exec(output) ?? [];
    expect(output).to.contain(`"active":"${inTask ?? 'no place'}"`);
    for (const name of ['temjob.submit', 'temjob.turn', 'temjob.task']) {
      expect(node.output).to.contain(`name: '${name}'`);
    }
    expect(node.output).to.contain(`traceId: '${traceId}'`);
  });
});
