// Development mode: private servers and a cluster of node processes, started, kept running and stopped in order.
// V1  A configured server that does not answer is an error; a private one never takes its place.
// V2  Nodes end before the servers that they use, and the lock of the data directory is given up last.
// V3  Whatever happens to this process, nothing that it has started stays behind: see warden-process.ts.
// V4  What is printed as done is done.
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { checkConfigured } from './configured-servers.ts';
import { DevError } from './dev-error.ts';
import { DirectoryLock } from './lock.ts';
import { type NodeEvent, NodeProcess } from './node-process.ts';
import { freePort } from './ports.ts';
import {
  type PrivateServers,
  type ServerName,
  type ServerStep,
  type ServerUrls,
  startPrivateServers,
} from './private-servers.ts';
import { StopSignals } from './stop-signals.ts';
import { Warden } from './warden.ts';

export interface DevOptions {
  /** The module that a node process runs, with the argument `start`. */
  readonly entry: string | URL;
  readonly out: NodeJS.WritableStream;
  readonly port?: number | undefined;
  readonly dataDir?: string | undefined;
  readonly nodes?: number | undefined;
  /** Files of task modules; the samples when left out. */
  readonly modules?: readonly string[] | undefined;
  readonly redisUrl?: string | undefined;
  readonly mysqlUrl?: string | undefined;
}

/** Runs until Ctrl-C, SIGTERM or SIGHUP, and resolves to the exit code. */
export async function runDev(options: DevOptions): Promise<number> {
  const page = new Page(options.out);
  const killers: (() => void)[] = [];
  using signals = new StopSignals(() => killers.forEach((kill) => kill()));
  try {
    await using undo = new AsyncDisposableStack();
    const dataDir = resolve(options.dataDir ?? '.temjob');
    const lock = undo.use(await DirectoryLock.take(dataDir));
    const warden = undo.use(new Warden());
    killers.unshift(() => warden.kill());
    const around = { dataDir, lock, warden, page, signals };

    const { urls } = undo.use(await startServers(options, around));
    const nodes = undo.use(await Nodes.prepare(options, around, urls));
    killers.unshift(() => nodes.kill());
    if (!signals.wereHeard) await Promise.race([nodes.start(), signals.requested, lossOf(warden)]);
    await Promise.race([signals.requested, lossOf(warden)]);
    page.say('Stopping; the state is kept. (Ctrl-C again stops at once.)');
  } catch (error) {
    if (!(error instanceof DevError)) throw error;
    page.fail(error.message);
    return error.exitCode;
  }
  page.say('Stopped.');
  return signals.wereRepeated ? 130 : 0;
}

class WardenLostError extends DevError {
  override readonly name = 'WardenLostError';
  override readonly code = 'WARDEN_LOST';
}

async function lossOf(warden: Warden): Promise<never> {
  await warden.gone;
  throw new WardenLostError(
    'the warden process has been killed, and the private servers have ended with it. ' +
      'Nothing that was acknowledged is lost. To fix it, start again.',
  );
}

interface Surroundings {
  readonly dataDir: string;
  readonly lock: DirectoryLock;
  readonly warden: Warden;
  readonly page: Page;
  readonly signals: StopSignals;
}

async function startServers(
  { redisUrl, mysqlUrl }: DevOptions,
  around: Surroundings,
): Promise<PrivateServers> {
  const given: Partial<ServerUrls> = {
    ...(redisUrl && { redis: redisUrl }),
    ...(mysqlUrl && { mysql: mysqlUrl }),
  };
  const { page, signals } = around;
  await checkConfigured(given);
  if (given.redis) page.done('Redis', 'configured, answers');
  if (given.mysql) page.done('MySQL', 'configured, answers');
  const servers: PrivateServers = await startPrivateServers({
    dataDir: around.dataDir,
    lock: around.lock,
    warden: around.warden,
    given,
    onStep: (step) => page.done(`${step.name} ${step.version}`, detailOf(step)),
    onExit: (name) => void revive(name),
  });
  return servers;

  async function revive(name: ServerName): Promise<void> {
    for (let pauseMs = 100; !signals.wereHeard; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      const label = name === 'redis' ? 'Redis' : 'MySQL';
      page.warn(`The private ${label} server has ended unexpectedly and is started again.`);
      await sleep(pauseMs, undefined, { ref: false });
      try {
        if (signals.wereHeard) return;
        await servers.restart(name);
        page.done(label, 'answers again');
        return;
      } catch (error) {
        page.warn(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

function detailOf({ socket, ms, created, recovered }: ServerStep): string {
  const note = created ? 'first run: created ' : recovered ? 'recovered after a crash ' : '';
  return `private, unix socket ${shortPath(socket)}  ${note}(${duration(ms)})`;
}

class Nodes implements AsyncDisposable {
  readonly #nodes: readonly NodeProcess[];

  private constructor(nodes: readonly NodeProcess[]) {
    this.#nodes = nodes;
  }

  static async prepare(
    options: DevOptions,
    { dataDir, warden, page }: Surroundings,
    urls: ServerUrls,
  ): Promise<Nodes> {
    const names = namesOf(options.nodes ?? 3);
    const announce = announcer(names, page);
    const nodes: NodeProcess[] = [];
    let wanted = options.port ?? 8088;
    for (const name of names) {
      const port = await freePort(wanted);
      if (port !== wanted && wanted !== 0) {
        page.warn(`Port ${wanted} is in use, so node ${name} listens on ${port}.`);
      }
      wanted = port + 1;
      nodes.push(
        new NodeProcess({
          name,
          port,
          entry: options.entry,
          env: environmentOf({
            name,
            port,
            dataDir,
            urls,
            isFirst: nodes.length === 0,
            modules: options.modules,
          }),
          log: join(dataDir, 'log', `node-${name}.log`),
          warden,
          onEvent: (event) => announce(event, port),
        }),
      );
    }
    return new Nodes(nodes);
  }

  /** All at once: together they are ready soonest. Resolves when the first one is. */
  async start(): Promise<void> {
    for (const node of this.#nodes) node.start();
    await this.#nodes[0]?.ready;
  }

  kill(): void {
    for (const node of this.#nodes) node.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: Math.max(1, Math.min(count, 26)) }, (_, index) =>
    String.fromCharCode('a'.charCodeAt(0) + index),
  );
}

function environmentOf(node: {
  name: string;
  port: number;
  dataDir: string;
  urls: ServerUrls;
  isFirst: boolean;
  modules: readonly string[] | undefined;
}): NodeJS.ProcessEnv {
  const { TEMJOB__NODE__SAMPLES: _, ...inherited } = process.env;
  return {
    ...inherited,
    // The modules of a node load in about half the time; but the coverage of code from a cache is coarse.
    ...(!process.env['NODE_V8_COVERAGE'] && { NODE_COMPILE_CACHE: join(node.dataDir, 'cache') }),
    TEMJOB__REDIS__URL: node.urls.redis,
    TEMJOB__DATABASE__MYSQL__URL: node.urls.mysql,
    TEMJOB__SERVER__HOST: '127.0.0.1',
    TEMJOB__SERVER__PORT: String(node.port),
    TEMJOB__NODE__NAME: node.name,
    TEMJOB__NODE__DEV: '1',
    ...(node.modules && { TEMJOB__NODE__MODULES: node.modules.join(',') }),
    ...(node.isFirst && { TEMJOB__NODE__SAMPLES: 'first-start' }),
  };
}

/** Turns what the nodes report into lines. */
function announcer(names: readonly string[], page: Page) {
  const up = new Set<string>();
  return (event: NodeEvent, port: number): void => {
    const { name } = event;
    const url = `http://localhost:${port}`;
    switch (event.type) {
      case 'step':
        // Each node could say it; once is enough.
        if (name === names[0]) page.done(event.title, event.detail);
        return;
      case 'ready':
        page.done(`Node ${name}`, `${url}  (${duration(event.ms)})`);
        if (event.starts > 1) return;
        up.add(name);
        if (name === names[0]) page.say(`TemJob is ready at ${url}`);
        if (up.size === names.length) {
          page.done(
            'Cluster',
            `${names.length} ${names.length === 1 ? 'node' : 'nodes'}  ${names.join('·')}`,
          );
        }
        return;
      case 'died':
        // Before its first ready the first node ends the start, and runDev says why.
        if (name === names[0] && !up.has(name)) return;
        page.warn(
          `Node ${name} has died and is started again in ${duration(event.pauseMs)}: ${event.why}`,
        );
        return;
    }
  };
}

/** What the user sees. */
class Page {
  readonly #out: NodeJS.WritableStream;

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
    // A terminal that is closed, or a `| head`, must not keep us from stopping in order.
    out.on('error', () => {});
  }

  done(what: string, detail: string): void {
    this.say(`  ✔ ${what.padEnd(18)} ${detail}`);
  }

  warn(text: string): void {
    this.say(`  ! ${text}`);
  }

  fail(text: string): void {
    this.say(`  ✘ ${text}`);
  }

  say(line: string): void {
    this.#out.write(`${line}\n`);
  }
}

function duration(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
