import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { DirectoryLock } from './lock.ts';
import { mysqlServer } from './mysql-server.ts';
import { end, identify, isProcessIdentity } from './processes.ts';
import { redisServer } from './redis-server.ts';
import { launch, type ServerProgram, sizeOf, tail } from './server-program.ts';
import { type RunningProgram, Warden } from './warden.ts';

export type ServerName = 'redis' | 'mysql';

export interface ServerUrls {
  readonly redis: string;
  readonly mysql: string;
}

export interface PrivateServersOptions {
  /** Everything the servers write is in it, but for the sockets where its path is too long for one. */
  readonly dataDir: string;
  /** Servers that run already: they are not started, and their URLs are passed on. */
  readonly given?: Partial<ServerUrls>;
  /** Forgets what the servers have kept so far. */
  readonly reset?: boolean;
  readonly onStep?: (step: ServerStep) => void;
  /** A server ended though nobody asked it to. `restart` brings it back. */
  readonly onExit?: (name: ServerName) => void;
  /** More flags for the servers' command lines; the last one of a name wins. */
  readonly flags?: Partial<Record<ServerName, readonly string[]>>;
  /** Of the caller; without them the servers take the directory's lock and a warden of their own. */
  readonly lock?: DirectoryLock;
  readonly warden?: Warden;
}

export interface ServerStep {
  /** "Redis", "Valkey", "MariaDB" or "MySQL". */
  readonly name: string;
  readonly version: string;
  readonly socket: string;
  readonly ms: number;
  /** There was no data before. */
  readonly created: boolean;
  /** It had not been stopped, and has made its data consistent again. */
  readonly recovered: boolean;
}

/**
 * Starts a real Redis and a real MySQL server of one's own: no TCP, full durability, the data kept in `dataDir`.
 * They end with `stop()` or with this process, however that ends.
 */
export async function startPrivateServers(options: PrivateServersOptions): Promise<PrivateServers> {
  await using undo = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  // It takes 40 ms to come up, and needs nothing.
  const warden = options.warden ?? undo.use(new Warden());
  if (!options.lock) undo.use(await DirectoryLock.take(dataDir));
  await mkdir(join(dataDir, 'log'), { recursive: true, mode: 0o700 });
  const socketDir = await socketFolder(dataDir);
  undo.defer(() => rm(socketDir, { recursive: true, force: true }));

  const started = new Map<ServerName, PrivateServer>();
  undo.defer(async () => {
    await Promise.all([...started.values()].map((server) => server.stop()));
  });
  const names = (['redis', 'mysql'] as const).filter((name) => options.given?.[name] === undefined);
  const starts = await Promise.allSettled(
    names.map(async (name) => {
      const since = performance.now();
      const places = { dataDir, socketDir, flags: options.flags?.[name] ?? [] };
      const program = await (name === 'redis' ? redisServer(places) : mysqlServer(places));
      const server = new PrivateServer(program, {
        warden,
        record: join(dataDir, `${name}.pid`),
        onExit: () => options.onExit?.(name),
      });
      started.set(name, server);
      await server.endLeftover();
      if (options.reset) await rm(program.data, { recursive: true, force: true });
      const created = await program.prepare(warden);
      const logStart = await sizeOf(program.log);
      await server.start();
      options.onStep?.({
        name: program.binary.product,
        version: program.binary.version,
        socket: program.socket,
        ms: Math.round(performance.now() - since),
        created,
        recovered: /crash recovery/i.test(await tail(program.log, logStart, 100)),
      });
    }),
  );
  // Only now, so that nothing is still being started while it is undone.
  for (const start of starts) if (start.status === 'rejected') throw start.reason;

  const redis = options.given?.redis ?? `unix://${join(socketDir, 'redis.sock')}`;
  const mysql =
    options.given?.mysql ??
    `mysql://root@localhost/temjob?socketPath=${encodeURIComponent(join(socketDir, 'db.sock'))}`;
  return new PrivateServers({ redis, mysql }, started, undo.move());
}

export class PrivateServers implements AsyncDisposable {
  readonly urls: ServerUrls;
  readonly #servers: ReadonlyMap<ServerName, PrivateServer>;
  readonly #undo: AsyncDisposableStack;

  constructor(
    urls: ServerUrls,
    servers: ReadonlyMap<ServerName, PrivateServer>,
    undo: AsyncDisposableStack,
  ) {
    this.urls = urls;
    this.#servers = servers;
    this.#undo = undo;
  }

  /** Of those that are running. */
  get pids(): Readonly<Partial<Record<ServerName, number>>> {
    const { redis, mysql } = { redis: this.#pid('redis'), mysql: this.#pid('mysql') };
    return { ...(redis !== undefined && { redis }), ...(mysql !== undefined && { mysql }) };
  }

  /** Ends it as a power cut would, and resolves when it is gone. */
  async kill(name: ServerName): Promise<void> {
    await this.#servers.get(name)?.kill();
  }

  /** Starts it again with its URL and its data, after `kill` or when it ended of itself. */
  async restart(name: ServerName): Promise<void> {
    await this.#servers.get(name)?.restart();
  }

  /** Gracefully; the data stays. */
  async stop(): Promise<void> {
    await this.#undo.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #pid(name: ServerName): number | undefined {
    return this.#servers.get(name)?.pid;
  }
}

interface Surroundings {
  readonly warden: Warden;
  /** The file that says which process the server is, for the start after one whose warden was killed, too. */
  readonly record: string;
  readonly onExit: () => void;
}

class PrivateServer {
  readonly #program: ServerProgram;
  readonly #around: Surroundings;
  #running: RunningProgram | undefined;
  // A stop that comes during a restart waits for it: what is half started could not be stopped.
  #last: Promise<void> = Promise.resolve();

  constructor(program: ServerProgram, around: Surroundings) {
    this.#program = program;
    this.#around = around;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  async start(): Promise<void> {
    const running = await launch(this.#program, this.#around.warden, (pid) => this.#write(pid));
    this.#running = running;
    void this.#watch(running);
  }

  async #watch(running: RunningProgram): Promise<void> {
    await running.exit;
    // Whoever ends it on purpose has forgotten it before.
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#around.onExit();
  }

  stop(): Promise<void> {
    return this.#inTurn(() => this.#stop());
  }

  restart(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#stop();
      await this.start();
    });
  }

  async #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => {});
    await turn;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.end(10_000);
    await rm(this.#around.record, { force: true });
  }

  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.kill();
    await running?.wait();
  }

  /** Two servers on the same files would ruin them. */
  async endLeftover(): Promise<void> {
    const text = await readFile(this.#around.record, 'utf8').catch(() => 'null');
    const identity: unknown = JSON.parse(text);
    if (isProcessIdentity(identity)) await end(identity, 10_000);
    await rm(this.#around.record, { force: true });
  }

  async #write(pid: number): Promise<void> {
    await writeFile(this.#around.record, JSON.stringify(identify(pid) ?? null), { mode: 0o600 });
  }
}

/**
 * The longest path of a unix socket is 104 bytes on macOS and 108 on Linux, so a deep directory gets a folder of its own elsewhere.
 * So does one with characters that a URL would have to escape: not every client reads them back.
 */
async function socketFolder(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'run');
  if (Buffer.byteLength(join(folder, 'redis.sock')) <= 100 && /^[\w/.-]+$/.test(folder)) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  // mkdtemp makes it 0700.
  return await mkdtemp(join(tmpdir(), 'temjob-'));
}
