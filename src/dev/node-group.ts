import { join } from 'node:path';

import { type Checklist, duration, shortPath } from './checklist.ts';
import { CodeWatch } from './code-watch.ts';
import { type NodeEvent, NodeProcess } from './node-process.ts';
import { freePort } from './ports.ts';
import type { ServerUrls } from './private-servers.ts';
import type { Warden } from './warden.ts';

export interface NodeGroupOptions {
  /** The module that a node process runs, with the argument `start`. */
  readonly entry: string | URL;
  readonly count: number;
  /** Of the first one; each other one has the next that is free. */
  readonly port: number;
  /** Files of task modules; the samples when left out. */
  readonly modules?: readonly string[] | undefined;
  readonly dataDir: string;
  readonly urls: ServerUrls;
  readonly warden: Warden;
  readonly list: Checklist;
}

/** The nodes of the development cluster, which run the code of the user as he last saved it. */
export class NodeGroup implements AsyncDisposable {
  readonly #nodes: readonly NodeProcess[];
  readonly #list: Checklist;
  readonly #code: CodeWatch;
  #isStopping = false;
  #reload: Promise<void> | undefined;
  readonly #saved = new Set<string>();

  /** Finds a port for each; none is started yet. */
  static async prepare(options: NodeGroupOptions): Promise<NodeGroup> {
    const { list, count } = options;
    const ports: number[] = [];
    let wanted = options.port;
    for (const name of namesOf(count)) {
      const port = await freePort(wanted);
      if (port !== wanted && wanted !== 0) {
        list.warn(`Port ${wanted} is in use, so node ${name} listens on ${port}.`);
      }
      ports.push(port);
      wanted = port + 1;
    }
    return new NodeGroup(options, ports);
  }

  private constructor(options: NodeGroupOptions, ports: readonly number[]) {
    this.#list = options.list;
    this.#code = new CodeWatch((files) => this.#reloadWith(files));
    const names = namesOf(options.count);
    const announce = announcer(names, options.list);
    this.#nodes = ports.map((port, index) => {
      const name = names[index] ?? '';
      return new NodeProcess({
        name,
        entry: options.entry,
        env: environmentOf(options, { name, port, isFirst: index === 0 }),
        log: join(options.dataDir, 'log', `node-${name}.log`),
        warden: options.warden,
        onEvent: (event) => {
          if (event.type === 'imported') void this.#code.add(event.file);
          else announce(event, port);
        },
      });
    });
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
    this.#isStopping = true;
    this.#code[Symbol.dispose]();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await this.#reload;
  }

  #reloadWith(files: readonly string[]): void {
    for (const file of files) this.#saved.add(file);
    this.#reload ??= this.#reloadSaved().finally(() => (this.#reload = undefined));
  }

  /** Again for what is saved meanwhile: whoever types on does not wait for the end of what he has changed since. */
  async #reloadSaved(): Promise<void> {
    while (this.#saved.size > 0 && !this.#isStopping) {
      const files = [...this.#saved];
      this.#saved.clear();
      const since = performance.now();
      this.#list.reload(`${files.map(shortPath).join(', ')} saved: the nodes restart, one by one.`);
      if (!(await this.#restartAll())) continue;
      const count = `${this.#nodes.length} ${this.#nodes.length === 1 ? 'node' : 'nodes'}`;
      this.#list.done('Reloaded', `${count} (${duration(Math.round(performance.now() - since))})`);
    }
  }

  /**
   * The last one first: code that does not load stops there, and the page, which the first one serves, stays. Resolves to
   * whether all of them run what was saved.
   */
  async #restartAll(): Promise<boolean> {
    for (const node of this.#nodes.toReversed()) {
      const serves = await node.restart();
      if (this.#isStopping || this.#saved.size > 0) return false;
      if (serves) continue;
      this.#list.warn(
        `Node ${node.name} does not start with what was saved; the others go on as they are. It tries again now and then, and at once when you save.`,
      );
      return false;
    }
    return true;
  }
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: Math.max(1, Math.min(count, 26)) }, (_, index) =>
    String.fromCharCode('a'.charCodeAt(0) + index),
  );
}

function environmentOf(
  { dataDir, urls, modules }: NodeGroupOptions,
  node: { readonly name: string; readonly port: number; readonly isFirst: boolean },
): NodeJS.ProcessEnv {
  const { TEMJOB__NODE__SAMPLES: _, ...inherited } = process.env;
  return {
    // Whoever saves a file or presses Ctrl-C does not want to wait for a task that takes a minute.
    TEMJOB__ENGINE__DRAIN_GRACE: '2s',
    ...inherited,
    // The modules of a node load in about half the time; but the coverage of code from a cache is coarse.
    ...(!process.env['NODE_V8_COVERAGE'] && { NODE_COMPILE_CACHE: join(dataDir, 'cache') }),
    TEMJOB__REDIS__URL: urls.redis,
    TEMJOB__DATABASE__MYSQL__URL: urls.mysql,
    TEMJOB__SERVER__HOST: '127.0.0.1',
    TEMJOB__SERVER__PORT: String(node.port),
    TEMJOB__NODE__NAME: node.name,
    TEMJOB__NODE__DEV: '1',
    ...(modules && { TEMJOB__NODE__MODULES: modules.join(',') }),
    ...(node.isFirst && { TEMJOB__NODE__SAMPLES: 'first-start' }),
  };
}

/** Turns what the nodes report into lines. */
function announcer(names: readonly string[], list: Checklist) {
  const up = new Set<string>();
  const lastDeath = new Map<string, string>();
  return (event: Exclude<NodeEvent, { readonly type: 'imported' }>, port: number): void => {
    const { name } = event;
    const url = `http://localhost:${port}`;
    switch (event.type) {
      case 'step':
        // Each node could say it; once is enough.
        if (name === names[0]) list.done(event.title, event.detail);
        return;
      case 'ready':
        list.done(`Node ${name}`, `${url}  (${duration(event.ms)})`);
        lastDeath.delete(name);
        if (up.has(name)) return;
        up.add(name);
        if (name === names[0]) {
          list.ready(url);
          list.say(`API ${url}/api/v1, its documentation ${url}/docs. Ctrl-C stops everything.`);
        }
        if (up.size === names.length) {
          list.done(
            'Cluster',
            `${names.length} ${names.length === 1 ? 'node' : 'nodes'}  ${names.join('·')}`,
          );
        }
        return;
      case 'died':
        // Before its first ready the first node ends the start, and runDev says why.
        if (name === names[0] && !up.has(name)) return;
        // What fails at every start is said once.
        if (lastDeath.get(name) === event.why) return;
        lastDeath.set(name, event.why);
        list.warn(
          `Node ${name} has died and is started again in ${duration(event.pauseMs)}: ${event.why}`,
        );
        return;
    }
  };
}
