import type { Logger } from 'pino';

import { Node } from '#cluster/node.ts';
import { Notices } from '#cluster/notices.ts';
import { StopSignals } from '#dev/stop-signals.ts';
import { listenAddress } from '#http/loopback.ts';
import { createDoor, type Door } from '#http/server.ts';
import { NodeMetrics } from '#observe/node-metrics.ts';

import { type Config, doorOptions, nodeOptions, readConfig } from './config.ts';
import { logNotices } from './log-notices.ts';
import { openLog } from './log.ts';
import { packageVersion } from './package-version.ts';
import { runSamples } from './samples.ts';

/**
 * A node process: configuration, node, door, signals; the place where everything meets. Tells its parent, when it has one,
 * that it serves (`ready`) or why it does not (`failed`). Resolves when the node serves.
 */
export async function runNode(options: {
  readonly file?: string;
  readonly env: NodeJS.ProcessEnv;
}): Promise<void> {
  const { config, notes } = readConfig(options);
  const log = await openLog(config);
  const notices = new Notices();
  logNotices(notices, log, config.cluster.shards);
  const metrics = config.metrics.enabled
    ? new NodeMetrics(notices, { version: packageVersion() })
    : null;
  for (const note of notes) log.warn(note);
  const examples = new URL('../../examples/index.ts', import.meta.url).href;
  // What the door would refuse is known before the node joins.
  listenAddress(config.server.host, config.server.auth.keys.length > 0);
  const own = nodeOptions(config);
  const isSampler = config.node.dev && config.node.modules.length === 0;
  const node = await Node.start({ ...own, ...(isSampler && { modules: [examples] }), notices });
  metrics?.watchNode(node);
  const door = await openDoor(node, config, log, metrics);
  node.announceUrl(door.url);

  const signals = new StopSignals(() => process.exit(130), { withParent: true });
  const stop = async (): Promise<void> => {
    log.info({ why: await signals.requested }, 'stopping');
    // The door stays open while the node drains: it says 503 to what is new, and finishes what it has taken on.
    await Promise.all([door.leave(), node.stop()]);
    await door.close();
    process.exit(0);
  };
  stop().catch((error: unknown) => {
    log.error({ err: error }, 'could not stop in order');
    process.exit(1);
  });

  log.info({ url: door.url }, 'the API answers');
  process.send?.({ type: 'ready', url: door.url });
  if (config.node.samples === 'first-start') {
    const { sampleRuns } = await import('../../examples/index.ts');
    const started = await runSamples(node.api, sampleRuns).catch((error: unknown) => {
      // A node that drains takes none, and goes on draining.
      if (signals.wereHeard) return 0;
      throw error;
    });
    if (started > 0) {
      process.send?.({
        type: 'step',
        name: 'Samples',
        detail: `${started} workflows started; one fails on purpose`,
      });
    }
  }
}

/** A node without its door must not keep the shards that it has taken meanwhile. */
async function openDoor(
  node: Node,
  config: Config,
  log: Logger,
  metrics: NodeMetrics | null,
): Promise<Door> {
  const { host, port } = config.server;
  try {
    const door = await createDoor({
      ...doorOptions(config),
      cluster: node.api,
      log,
      ...metrics?.forDoor,
    });
    metrics?.watchDoor(door);
    return door;
  } catch (error) {
    await node.stop({ graceMs: 0 });
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new Error(
      `port ${port} of ${host} is in use by another program: set TEMJOB__SERVER__PORT (or server.port) to a free one, or to 0`,
      { cause: error },
    );
  }
}
