import { expect } from 'chai';

import type { WorkflowRow } from '#cluster/api.ts';
import { freePort } from '#dev/ports.ts';

import { sampleRuns } from '../../examples/index.ts';
import { Script } from './script.ts';
import { TempDir } from './temp-dir.ts';

const main = new URL('../../src/main.ts', import.meta.url);

describe('npm start, whole', function () {
  this.timeout(120_000);

  it('runs every sample to its expected end on three nodes, and keeps them over a restart', async () => {
    await using dir = await TempDir.create();

    const before = await (async () => {
      await using dev = startDev(dir);
      const url = await ready(dev);
      await dev.prints(/Cluster +3 nodes/);
      await dev.prints(/Samples +\d+ workflows started/);
      for (const [index, { name, awaits }] of sampleRuns.entries()) {
        if (awaits !== undefined) await signaled(url, `sample-${index + 1}-${name}`, awaits);
      }
      const ends = await Promise.all(
        sampleRuns.map(async ({ name }, index) => await ended(url, `sample-${index + 1}-${name}`)),
      );
      dev.pressCtrlC();
      expect(await dev.exit).to.equal(0);
      return ends;
    })();

    for (const [index, { name, expect: wanted }] of sampleRuns.entries()) {
      const end = before[index];
      expect(end?.state, name).to.equal(wanted.status);
      if (wanted.output !== undefined) expect(end?.output, name).to.deep.include(wanted.output);
    }

    await using again = startDev(dir);
    const url = await ready(again);
    const after = await list(url);
    expect(after.map(({ id, state }) => `${id} ${state}`)).to.have.members(
      before.map(({ id, state }) => `${id} ${state}`),
    );
    again.pressCtrlC();
    expect(await again.exit).to.equal(0);
  });

  it('goes on with a workflow that was running when everything was killed', async () => {
    await using dir = await TempDir.create();
    await using dev = startDev(dir, { args: ['--nodes', '2'] });
    const url = await ready(dev);
    await dev.prints(/Cluster +2 nodes/);
    const response = await fetch(`${url}/api/v1/workflows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'long_report',
        id: 'survivor',
        input: { title: 'x', pages: 30 },
      }),
    });
    expect(response.status).to.equal(201);

    process.kill(-dev.pid, 'SIGKILL');
    await dev.exit;

    await using again = startDev(dir, { args: ['--nodes', '2'] });
    const end = await ended(await ready(again), 'survivor');
    expect(end.state).to.equal('completed');
    again.pressCtrlC();
    expect(await again.exit).to.equal(0);
  });
});

describe('npm start, misused', function () {
  this.timeout(30_000);

  for (const [option, value, range] of [
    ['--port', '65536', '0 to 65535'],
    ['--port', '-1', '0 to 65535'],
    ['--port', 'http', '0 to 65535'],
    ['--nodes', '0', '1 to 26'],
    ['--nodes', '27', '1 to 26'],
    ['--nodes', '1.5', '1 to 26'],
  ] as const) {
    it(`refuses ${option} ${value} and says what it takes`, async () => {
      await using dev = new Script(main, { args: ['dev', `${option}=${value}`] });

      expect(await dev.exit).to.equal(2);
      expect(dev.output)
        .to.match(new RegExp(`^error: option .*${option}.*whole number from ${range} is needed`))
        .and.not.match(/^ +at /m);
    });
  }

  it('says which key of the environment it does not know', async () => {
    await using dir = await TempDir.create();
    await using dev = startDev(dir, { env: { TEMJOB__REDIS__HSOT: 'redis' } });

    expect(await dev.exit).to.equal(78);
    expect(dev.output)
      .to.contain('redis.hsot: there is no such key. Did you mean "host"?')
      .and.not.match(/^ +at /m);
  });

  for (const [product, section] of [
    ['Redis', 'TEMJOB__REDIS'],
    ['MySQL', 'TEMJOB__DATABASE__MYSQL'],
  ] as const) {
    it(`does not put a private server in the place of a ${product} host that does not answer`, async () => {
      await using dir = await TempDir.create();
      const port = String(await freePort(0));
      const env = { [`${section}__HOST`]: '127.0.0.1', [`${section}__PORT`]: port };

      await using dev = startDev(dir, { env });

      expect(await dev.exit).to.equal(69);
      expect(dev.output).to.match(
        new RegExp(`cannot use the ${product} server at .*127.0.0.1:${port}.*ECONNREFUSED`),
      );
      expect(dev.output).not.to.contain('✔');
    });
  }
});

function startDev(
  dir: TempDir,
  { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Script {
  return new Script(main, { args: ['dev', '--port', '0', '--data', dir.path, ...args], env });
}

async function signaled(
  url: string,
  id: string,
  { signal, payload }: { readonly signal: string; readonly payload: object },
): Promise<void> {
  const response = await fetch(`${url}/api/v1/workflows/${id}/signals/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload }),
  });
  expect(response.status).to.equal(202);
}

async function ready(dev: Script): Promise<string> {
  const [, url] = await dev.prints(/^TemJob is ready at (http:\/\/localhost:\d+)$/m);
  if (url === undefined) throw new Error('no URL');
  return url;
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly output?: object;
}

/** Waits on the result, which the API holds back until there is one. */
async function ended(url: string, id: string): Promise<Shown> {
  for (;;) {
    const waited = await fetch(`${url}/api/v1/workflows/${id}/result?wait=20s`);
    await waited.text();
    const response = await fetch(`${url}/api/v1/workflows/${id}`);
    const shown: Shown & { ended_at?: string } = JSON.parse(await response.text());
    if (shown.ended_at !== undefined) return shown;
  }
}

async function list(url: string): Promise<readonly WorkflowRow[]> {
  const response = await fetch(`${url}/api/v1/workflows?limit=100`);
  const body: { workflows: readonly WorkflowRow[] } = JSON.parse(await response.text());
  return body.workflows;
}
