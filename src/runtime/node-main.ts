import type { Logger } from 'pino';

import { Node } from '#cluster/node.ts';
import { Notices } from '#cluster/notices.ts';
import { withinCallersTrace } from '#cluster/tracing/within.ts';
import { version } from '#cluster/version.ts';
import type { StopSignals } from '#dev/stop-signals.ts';
import { listenAddress } from '#http/loopback.ts';
import { createDoor, type Door } from '#http/server.ts';
import { NodeMetrics } from '#observe/node-metrics.ts';

import {
  type Config,
  ConfigError,
  type ConfigSources,
  doorOptions,
  nodeOptions,
  readConfig,
  requireServers,
} from './config.ts';
import { reportImports } from './import-reports.ts';
import { logNotices } from './log-notices.ts';
import { openLog } from './log.ts';
import { isTaken } from './port-taken.ts';
import { runSamples } from './samples.ts';

/**
 * A node process: configuration, node, door, signals; the place where everything meets. Tells its parent, when it has one,
 * that it serves (`ready`); rejects when it cannot, saying why. Resolves when the node serves, or has to stop before that.
 */
export async function runNode(options: {
  readonly sources: ConfigSources;
  /** Listened to since the process began, so that it stops in order at any time. */
  readonly signals: StopSignals;
  /** A worker has none: it listens on no port. */
  readonly hasDoor: boolean;
}): Promise<void> {
  const { sources, signals, hasDoor } = options;
  const { config, notes } = readConfig(sources);
  // What the door would refuse is known before the node joins, and takes its name from one that serves.
  const address = hasDoor ? addressOf(config) : null;
  requireServers(config, sources.file);
  if (address === null) requireModules(config);
  else await requirePort(config, address);
  const log = await openLog(config);
  for (const note of notes) log.warn(note);
  void signals.requested.then((why) => log.info({ why }, 'stopping'));

  const notices = new Notices();
  logNotices(notices, log, config.cluster.shards);
  const metrics = config.metrics.enabled ? new NodeMetrics(notices, { version }) : null;
  if (config.node.dev) reportImports((file) => process.send?.({ type: 'imported', file }));
  let node: Node;
  try {
    node = await Node.start({ ...nodeOptions(config), ...samplesOf(config), notices });
  } catch (error) {
    if (!signals.wereHeard) throw error;
    // Whoever stops a node that cannot start has what was asked for.
    log.info({ err: error }, 'stopped before the node served');
    return process.exit(0);
  }
  if (signals.wereHeard) {
    await node.stop();
    return process.exit(0);
  }
  metrics?.watchNode(node);
  const door = hasDoor ? await openDoor(node, config, log, metrics) : null;
  if (door !== null) node.announceUrl(door.url);

  const stop = async (): Promise<void> => {
    await signals.requested;
    // The door stays open while the node drains: it says 503 to what is new, and finishes what it has taken on.
    await Promise.all([door?.leave(), node.stop()]);
    await door?.close();
    process.exit(0);
  };
  stop().catch((error: unknown) => {
    log.error({ err: error }, 'could not stop in order');
    process.exit(1);
  });

  if (door === null) log.info('the worker works');
  else log.info({ url: door.url }, 'the API answers');
  process.send?.({ type: 'ready', url: door?.url ?? '' });
  if (config.node.samples === 'first-start' && hasSamples(config))
    await startSamples(node, signals, log);
}

function addressOf({ server: { host, auth } }: Config): string {
  return listenAddress(host, auth.keys.length > 0);
}

async function requirePort(config: Config, address: string): Promise<void> {
  const { port } = config.server;
  if (port !== 0 && (await isTaken(port, address))) throw portTaken(config);
}

function portTaken({ server: { host, port } }: Config, cause?: unknown): Error {
  return new Error(
    `port ${port} of ${host} is in use by another program: set TEMJOB__SERVER__PORT (or server.port) to a free one, or to 0`,
    { cause },
  );
}

function requireModules(config: Config): void {
  if (config.node.modules.length > 0) return;
  throw new ConfigError([
    'node.modules is empty, so that a worker has nothing to run: name files with --modules',
  ]);
}

/** In development mode the samples run where nobody says what else to run. */
function hasSamples({ node }: Config): boolean {
  return node.dev && node.modules.length === 0;
}

function samplesOf(config: Config): { readonly modules?: readonly string[] } {
  if (!hasSamples(config)) return {};
  return { modules: [new URL('../../examples/index.ts', import.meta.url).href] };
}

async function startSamples(node: Node, signals: StopSignals, log: Logger): Promise<void> {
  const { sampleRuns } = await import('../../examples/index.ts');
  const started = await runSamples(node.api, sampleRuns).catch((error: unknown) => {
    // A node that drains takes none, and goes on draining. To any other it is no reason to end, either.
    if (!signals.wereHeard) log.error({ err: error }, 'the samples could not all be started');
    return 0;
  });
  if (started === 0) return;
  const detail = `${started} workflows started; one fails on purpose`;
  process.send?.({ type: 'step', name: 'Samples', detail });
}

/** A node without its door must not keep the shards that it has taken meanwhile. */
async function openDoor(
  node: Node,
  config: Config,
  log: Logger,
  metrics: NodeMetrics | null,
): Promise<Door> {
  try {
    const door = await createDoor({
      ...doorOptions(config),
      cluster: node.api,
      log,
      ...metrics?.forDoor,
      within: withinCallersTrace,
    });
    metrics?.watchDoor(door);
    return door;
  } catch (error) {
    await node.stop({ graceMs: 0 });
    const isRaced = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw isRaced ? portTaken(config, error) : error;
  }
}
