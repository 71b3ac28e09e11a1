import { apply, merge } from './live-picture.ts';
import type { Cursor, Operation, Snapshot, TopicData } from './live-protocol.ts';

/** What a watcher at some version must be told to be at the newest. */
export type Update =
  | { readonly type: 'none' }
  | {
      readonly type: 'delta';
      readonly from: number;
      readonly to: number;
      readonly ops: readonly Operation[];
    }
  | { readonly type: 'snapshot'; readonly reason: Snapshot['reason'] };

// Beyond these, the whole data anew is cheaper than what happened since.
const mergedOpsLimit = 300;
const mergedBytesLimit = 256 * 1024;
const recentLimit = 256;

interface Change {
  readonly from: number;
  readonly to: number;
  readonly ops: readonly Operation[];
  readonly bytes: number;
}

/**
 * The newest data of one topic, and how it came to be for a while back. Watchers do not queue here: each remembers the
 * version it was told last, and asks for what is new when it can take it. So a watcher that reads slowly costs a number.
 */
export class TopicState {
  readonly epoch: string;
  #ver: number;
  #data: TopicData;
  #recent: Change[] = [];
  #recentBytes = 0;

  constructor(epoch: string, ver: number, data: TopicData) {
    this.epoch = epoch;
    this.#ver = ver;
    this.#data = data;
  }

  get ver(): number {
    return this.#ver;
  }

  get data(): TopicData {
    return this.#data;
  }

  advance(to: number, ops: readonly Operation[]): void {
    const change = { from: this.#ver, to, ops, bytes: JSON.stringify(ops).length };
    this.#data = apply(this.#data, ops);
    this.#ver = to;
    this.#recent.push(change);
    this.#recentBytes += change.bytes;
    while (this.#recent.length > recentLimit || this.#recentBytes > mergedBytesLimit) {
      this.#recentBytes -= this.#recent.shift()?.bytes ?? 0;
    }
  }

  since(at: Cursor): Update {
    if (at.epoch !== this.epoch) return { type: 'snapshot', reason: 'epoch' };
    if (at.ver === this.#ver) return { type: 'none' };
    const first = this.#recent.findIndex((change) => change.from === at.ver);
    if (first < 0) return { type: 'snapshot', reason: at.ver > this.#ver ? 'gap' : 'overflow' };
    const ops = merge(this.#recent.slice(first).flatMap((change) => change.ops));
    return ops.length > mergedOpsLimit
      ? { type: 'snapshot', reason: 'overflow' }
      : { type: 'delta', from: at.ver, to: this.#ver, ops };
  }
}
