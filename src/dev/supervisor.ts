// Development mode: private servers and a cluster of node processes, started, kept running and stopped in order.
// V1  A configured server that does not answer is an error; a private one never takes its place.
// V2  Nodes end before the servers that they use, and the lock of the data directory is given up last.
// V3  Whatever happens to this process, nothing that it has started stays behind: see warden-process.ts.
// V4  What is printed as done is done.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Checklist, duration, shortPath } from './checklist.ts';
import { checkConfigured } from './configured-servers.ts';
import { DevError } from './dev-error.ts';
import { DirectoryLock } from './lock.ts';
import { NodeGroup } from './node-group.ts';
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
  /** Begins with empty servers. */
  readonly reset?: boolean | undefined;
  /** A JSON object a line, for programs. */
  readonly json?: boolean | undefined;
}

/** Runs until Ctrl-C, SIGTERM or SIGHUP, and resolves to the exit code. */
export async function runDev(options: DevOptions): Promise<number> {
  const list = new Checklist(options.out, { json: options.json ?? false });
  const killers: (() => void)[] = [];
  using signals = new StopSignals(() => killers.forEach((kill) => kill()));
  try {
    await using undo = new AsyncDisposableStack();
    const dataDir = resolve(options.dataDir ?? '.temjob');
    const lock = undo.use(await DirectoryLock.take(dataDir));
    const warden = undo.use(new Warden());
    killers.unshift(() => warden.kill());
    const around = { dataDir, lock, warden, list, signals };

    const { urls } = undo.use(await startServers(options, around));
    const { entry, nodes: count = 3, port = 8088, modules } = options;
    const nodes = undo.use(
      await NodeGroup.prepare({ entry, count, port, modules, dataDir, urls, warden, list }),
    );
    killers.unshift(() => nodes.kill());
    if (!signals.wereHeard) await Promise.race([nodes.start(), signals.requested, lossOf(warden)]);
    await Promise.race([signals.requested, lossOf(warden)]);
    list.say('Stopping; the state is kept. (Ctrl-C again stops at once.)');
  } catch (error) {
    if (!(error instanceof DevError)) throw error;
    list.fail(error.message);
    return error.exitCode;
  }
  list.say('Stopped.');
  return signals.wereRepeated ? 130 : 0;
}

class WardenLostError extends DevError {
  override readonly name = 'WardenLostError';
  override readonly code = 'WARDEN_LOST';
}

class ResetRefusedError extends DevError {
  override readonly name = 'ResetRefusedError';
  override readonly code = 'RESET_REFUSED';
  override readonly exitCode = 2;

  constructor() {
    super(
      '--reset empties private servers, and these are yours: a name of one is in the environment. ' +
        'To begin anew there, give TemJob another database (TEMJOB__DATABASE__MYSQL__DATABASE) ' +
        'and another prefix (TEMJOB__REDIS__PREFIX).',
    );
  }
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
  readonly list: Checklist;
  readonly signals: StopSignals;
}

async function startServers(
  { redisUrl, mysqlUrl, reset = false }: DevOptions,
  around: Surroundings,
): Promise<PrivateServers> {
  const given: Partial<ServerUrls> = {
    ...(redisUrl && { redis: redisUrl }),
    ...(mysqlUrl && { mysql: mysqlUrl }),
  };
  const { list, signals } = around;
  if (reset && (given.redis ?? given.mysql) !== undefined) throw new ResetRefusedError();
  await checkConfigured(given);
  if (given.redis) list.done('Redis', 'configured, answers');
  if (given.mysql) list.done('MySQL', 'configured, answers');
  const servers: PrivateServers = await startPrivateServers({
    dataDir: around.dataDir,
    lock: around.lock,
    warden: around.warden,
    given,
    reset,
    onStep: (step) => list.done(`${step.name} ${step.version}`, detailOf(step)),
    onExit: (name) => void revive(name),
  });
  return servers;

  async function revive(name: ServerName): Promise<void> {
    for (let pauseMs = 100; !signals.wereHeard; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      const label = name === 'redis' ? 'Redis' : 'MySQL';
      list.warn(`The private ${label} server has ended unexpectedly and is started again.`);
      await sleep(pauseMs, undefined, { ref: false });
      try {
        if (signals.wereHeard) return;
        await servers.restart(name);
        list.done(label, 'answers again');
        return;
      } catch (error) {
        list.warn(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

function detailOf({ socket, ms, created, recovered }: ServerStep): string {
  const note = created ? 'first run: created ' : recovered ? 'recovered after a crash ' : '';
  return `private, unix socket ${shortPath(socket)}  ${note}(${duration(ms)})`;
}
