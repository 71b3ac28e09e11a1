import { randomUUID } from 'node:crypto';

import { allOk } from './connection.ts';
import type { RedisLink } from './connection.ts';
import { list, number, pairs, text } from './replies.ts';
import { beat, command } from './scripts.ts';

export interface Heard {
  readonly nodes: Map<string, { counter: number; info: string }>;
  /** The clock of Redis. */
  readonly timeMs: number;
  /** Changes when Redis has lost its data. */
  readonly generation: string;
}

/**
 * The counters by which nodes show that they live. A counter says that its node moved, and nothing about time: who watches
 * measures with a clock of his own. After a loss of data counters begin again at 1, so compare for equality only.
 */
export class Beats {
  readonly #link: RedisLink;
  readonly #infos = new Map<string, string>();

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /** Counts for `node` and tells of all. `info` is what the others get to know of it; null when it is as before. */
  async beat(node: string, info: string | null): Promise<Heard> {
    if (info !== null) this.#infos.set(node, info);
    const heard = await this.#beat(node, info ?? '');
    const known = this.#infos.get(node) ?? '';
    // Redis may have lost what it was told once; tell it again.
    return heard.nodes.get(node)?.info === known ? heard : await this.#beat(node, known);
  }

  /** Removes nodes that are gone for good. */
  async forget(...nodes: readonly string[]): Promise<void> {
    if (nodes.length === 0) return;
    for (const node of nodes) this.#infos.delete(node);
    allOk(
      await this.#link.pipeline([
        command('hdel', this.#link.key('{ctl}:beats'), ...nodes),
        command('hdel', this.#link.key('{ctl}:nodes'), ...nodes),
      ]),
    );
  }

  async #beat(node: string, info: string): Promise<Heard> {
    const keys = ['{ctl}:beats', '{ctl}:nodes', '{ctl}:gen'].map((name) => this.#link.key(name));
    const [beats, infos, time, found] = list(
      await this.#link.run(beat.call(keys, [node, info, randomUUID()])),
    );
    const infoOf = pairs(infos);
    const [seconds, microseconds] = list(time);
    const generation = text(found);
    this.#link.observe(generation);
    return {
      nodes: new Map(
        [...pairs(beats)].map(([name, counter]) => [
          name,
          { counter: Number(counter), info: infoOf.get(name) ?? '' },
        ]),
      ),
      timeMs: number(seconds) * 1000 + number(microseconds) / 1000,
      generation,
    };
  }
}
