import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

import type { Definition } from '#actors/definition.ts';
import type { Duration } from '#actors/duration.ts';
import { parseDuration } from '#actors/duration.ts';

import { Client } from './client.ts';
import { ClusterBackend } from './cluster-backend.ts';
import { HttpBackend } from './http-backend.ts';
import { LocalCode } from './local-code.ts';

/** For a program that is a node of the cluster itself, with or without work to do. */
export interface NodeConnection {
  /** `redis://…`, `rediss://…` or `unix:///path/of.sock` */
  readonly redis: string;
  /** `mysql://user:password@host:port/database` */
  readonly mysql: string;
  /** Before every key; that of the other nodes. Default `temjob:`. */
  readonly redisPrefix?: string;
  /** Unique in the cluster. Default: made from the names of host and process. */
  readonly name?: string;
  /** URLs of modules that export tasks, workflows and actors; their code runs in threads. */
  readonly modules?: readonly (string | URL)[];
  /** The same as objects; their code runs on the main thread. */
  readonly definitions?: readonly Definition[];
  /** Takes a share of the workflows to decide for. Default: when there are modules or definitions. `startEngine` changes it. */
  readonly engine?: boolean;
  /** Runs tasks. Default: when there are modules or definitions. `startWorker` changes it. */
  readonly worker?: boolean;
  /** Tasks that run at once. Default 128. */
  readonly concurrency?: number;
  /** Default: the number of processors, less one. */
  readonly threads?: number;
  /** For tasks that say `isolate`. Default 2. */
  readonly isolatedThreads?: number;
  /** From a cancellation to the end of the thread of an isolated task. Default 5s. */
  readonly cancelGrace?: Duration;
  /** How long running tasks may go on after `close`. Default 25s. */
  readonly drainGrace?: Duration;
  /** How long ended workflows are kept. Default 30d. */
  readonly retention?: Duration;
  /** Said by whoever creates the cluster, and never changed. Default 256. */
  readonly shards?: number;
}

/** For a program that speaks HTTP to a node. */
export interface HttpConnection {
  /** Of any node: `http://localhost:8088` */
  readonly url: string | URL;
  /** For a door that asks for one; `temjob key create` makes them. */
  readonly apiKey?: string;
  /** Sent with every request, for a proxy in between. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Connects a program to a cluster: with the URLs of its servers as a node of it, with the URL of a node over HTTP. Without
 * modules and definitions a node owns nothing and runs nothing: it is a client without a hop in between.
 *
 *     await using client = await connect({ redis, mysql, definitions: [greet] });
 *     const { text } = await client.execute(greet, { name: 'Ada' });
 *
 * @throws Error saying what to do when a server does not answer, or cannot keep what TemJob promises
 */
export async function connect(options: NodeConnection | HttpConnection): Promise<Client> {
  if ('url' in options) {
    const { url, apiKey, headers } = options;
    const backend = new HttpBackend(url, {
      ...headers,
      ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
    });
    await backend.reach();
    return new Client(backend, null);
  }
  return await connectAsNode(options);
}

async function connectAsNode(options: NodeConnection): Promise<Client> {
  assertServer(options, 'redis', 'redis://127.0.0.1:6379');
  assertServer(options, 'mysql', 'mysql://root@127.0.0.1:3306/temjob');
  const { modules = [], definitions = [], cancelGrace, drainGrace, retention, ...same } = options;
  const hasCode = modules.length > 0 || definitions.length > 0;
  const code = new LocalCode();
  // Only here, because it brings the drivers of Redis and MySQL, of which a client over HTTP has no use.
  const { Node } = await import('#cluster/node.ts');
  const node = await Node.start({
    engine: hasCode,
    worker: hasCode,
    ...same,
    name: options.name ?? `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    modules: modules.map(String),
    definitions: definitions.map((definition) => code.admit(definition)),
    ...(cancelGrace === undefined ? {} : { cancelGraceMs: parseDuration(cancelGrace) }),
    ...(drainGrace === undefined ? {} : { drainGraceMs: parseDuration(drainGrace) }),
    ...(retention === undefined ? {} : { retentionMs: parseDuration(retention) }),
  });
  const checked = new Set<string>();
  for (const definition of definitions) {
    if (definition.kind === 'workflow') checked.add(definition.graph.name);
  }
  const backend = new ClusterBackend(node.api, async () => await node.stop());
  return new Client(backend, { node, code, checked });
}

/** An environment variable that is not set is what is passed most often, and drivers say nothing of use about it. */
function assertServer(
  options: Readonly<Record<'redis' | 'mysql', unknown>>,
  server: 'redis' | 'mysql',
  example: string,
): void {
  const { [server]: url } = options;
  if (typeof url === 'string' && url !== '') return;
  const given = url === undefined ? 'undefined' : JSON.stringify(url);
  throw new TypeError(
    `connect() needs ${server}, the URL of a server like ${example}, and got ${given}. A program that speaks HTTP to a node gives url alone.`,
  );
}
