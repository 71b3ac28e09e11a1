/* oxlint-disable unicorn/require-post-message-target-origin -- ports of threads have no origin */
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';

import type { Piscina } from 'piscina';

import type { LogLine, Outcome, Progress } from '#actors/work.ts';

import type { Errand } from './errand.ts';
import { LaneMemory } from './lane-memory.ts';
import type { Limits } from './run-work.ts';
import type { LaneCommand, LaneStart, Sent } from './thread.ts';

/** The node's side of a thread: what it was sent, what it has begun, what it reports. Piscina owns the thread itself. */
export class Lane {
  /** Sent work waits although the thread should have begun it: its event loop does not turn. Since when. */
  blockedSince: number | null = null;
  #state: 'warming' | 'ready' | 'closed' = 'warming';
  readonly #setup: LaneSetup;
  readonly #owner: LaneOwner;
  readonly #memory: LaneMemory;
  readonly #port: MessagePort;
  readonly #termination = new AbortController();
  readonly #held = new Map<number, Held>();
  readonly #byErrand = new Map<Errand, Held>();
  /** Slots of revoked work, until the thread has seen that they are. */
  readonly #revoked = new Map<number, number>();
  readonly #freeSlots: number[];
  #outbox: Held[] = [];
  /** Works that were given up while their code went on. */
  readonly #forgotten = new Set<number>();
  #pingedAt: number | null = null;
  #lastId = 0;

  constructor(pool: Piscina, setup: LaneSetup, owner: LaneOwner) {
    this.#setup = setup;
    this.#owner = owner;
    // Twice the capacity, because a revoked work keeps its slot until the thread has passed over it.
    this.#memory = new LaneMemory(setup.capacity * 2);
    this.#freeSlots = Array.from({ length: this.#memory.slots }, (_, slot) => slot);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: string | null) => this.#heard(message));
    const start: LaneStart = {
      port: port2,
      memory: this.#memory.buffer,
      slots: this.#memory.slots,
      modules: setup.modules,
      node: setup.node,
      limits: setup.limits,
    };
    const options = { name: 'lane', transferList: [port2], signal: this.#termination.signal };
    pool.run(start, options).then(
      () => this.#died(new Error('the thread ended its lane')),
      (error: unknown) => this.#died(error),
    );
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** How many more it takes now. */
  get room(): number {
    if (this.#state !== 'ready' || this.blockedSince !== null) return 0;
    return Math.min(this.#setup.capacity - this.#held.size, this.#freeSlots.length);
  }

  get busy(): number {
    return this.#held.size;
  }

  /** Those that have begun, as far as the thread has said so in shared memory, which is at once. */
  get running(): Errand[] {
    return [...this.#held.values()]
      .filter((held) => this.#memory.startedAt(held.slot) !== null)
      .map((held) => held.errand);
  }

  /** Goes out with the next `flush`. */
  put(errand: Errand): void {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) throw new Error('a lane was given more than it has room for');
    this.#lastId += 1;
    const held: Held = { id: this.#lastId, slot, errand, sentAt: 0, isAbortHeard: false };
    this.#memory.offer(slot);
    this.#held.set(held.id, held);
    this.#byErrand.set(errand, held);
    this.#outbox.push(held);
  }

  flush(): void {
    if (this.#outbox.length === 0) return;
    const now = performance.now();
    const batch: Sent[] = [];
    for (const held of this.#outbox) {
      held.sentAt = now;
      const { id, slot, errand } = held;
      const { work, prepared } = errand;
      batch.push(prepared === undefined ? [id, slot, work] : [id, slot, work, prepared]);
    }
    this.#outbox = [];
    // As text: a string crosses threads several times faster than an object tree.
    this.#port.postMessage(JSON.stringify(batch));
  }

  /** True when it had not begun, and now will not here. */
  revoke(errand: Errand): boolean {
    const held = this.#byErrand.get(errand);
    if (held === undefined || !this.#memory.revoke(held.slot)) return false;
    this.#remove(held);
    this.#revoked.set(held.id, held.slot);
    return true;
  }

  /** All that have not begun. */
  takeBack(): Errand[] {
    return [...this.#held.values()]
      .map((held) => held.errand)
      .filter((errand) => this.revoke(errand));
  }

  abort(errand: Errand, reason: string): void {
    const held = this.#byErrand.get(errand);
    if (held !== undefined) this.#tell({ type: 'abort', id: held.id, reason });
  }

  /** Whether the thread has answered an abort: its event loop turns, the handler just does not obey. */
  hasHeardAbort(errand: Errand): boolean {
    return this.#byErrand.get(errand)?.isAbortHeard === true;
  }

  /** It is over, although its code still runs. */
  forget(errand: Errand): void {
    const held = this.#byErrand.get(errand);
    if (held === undefined) return;
    this.#remove(held);
    this.#freeSlots.push(held.slot);
    this.#forgotten.add(held.id);
    this.#tell({ type: 'forget', id: held.id });
  }

  get hasForgotten(): boolean {
    return this.#forgotten.size > 0;
  }

  /** Asks whether the thread's event loop turns, and returns for how long it has not answered that. */
  silence(now: number): number {
    if (this.#pingedAt === null) {
      this.#pingedAt = now;
      this.#tell({ type: 'ping' });
    }
    return now - this.#pingedAt;
  }

  /** Tells of those that have begun since the last look. Returns how long the oldest of the others waits, and if any is left. */
  inspect(now: number): { readonly waitsMs: number; readonly isOpen: boolean } {
    let waitsMs = 0;
    let isOpen = false;
    for (const held of this.#held.values()) {
      if (held.errand.startedAt !== null) continue;
      const at = this.#memory.startedAt(held.slot);
      if (at === null) {
        isOpen = true;
        waitsMs = Math.max(waitsMs, now - held.sentAt);
      } else {
        this.#owner.begun(held.errand, at);
      }
    }
    return { waitsMs, isOpen };
  }

  /** Terminates the thread, by Piscina's own abort signal. What it had finished is told first. */
  kill(): Remains {
    const remains = this.#end();
    this.#termination.abort();
    return remains;
  }

  /** Lets an idle thread go. */
  close(): void {
    this.#tell({ type: 'stop' });
    this.#end();
  }

  #died(error: unknown): void {
    if (this.#state === 'closed') return;
    const wasReady = this.#state === 'ready';
    this.#owner.died(this, error, this.#end(), wasReady);
  }

  #end(): Remains {
    if (this.#state === 'closed') return { begun: [], unbegun: [] };
    for (
      let left = receiveMessageOnPort(this.#port);
      left;
      left = receiveMessageOnPort(this.#port)
    ) {
      const message: string | null = left.message;
      this.#read(message);
    }
    this.#read(null);
    this.#state = 'closed';
    this.#port.close();
    const unbegun = this.takeBack();
    const begun = [...this.#held.values()].map((held) => held.errand);
    this.#held.clear();
    this.#byErrand.clear();
    return { begun, unbegun };
  }

  #tell(command: LaneCommand): void {
    this.#port.postMessage(command);
  }

  #heard(message: string | null): void {
    this.#read(message);
    this.#owner.drained(this);
  }

  /** First the ring, then what did not fit into it: the thread writes nothing to the ring between the two. */
  #read(message: string | null): void {
    this.#memory.hush();
    for (let report = this.#memory.read(); report !== null; report = this.#memory.read()) {
      this.#handle(report);
    }
    if (message === null) return;
    this.#handle(message);
    this.#memory.received();
  }

  #handle(report: string): void {
    const colon = report.indexOf(':');
    const id = Number(report.slice(1, colon));
    const json = report.slice(colon + 1);
    const held = this.#held.get(id);
    switch (report.charAt(0)) {
      case 'f':
        this.blockedSince = null;
        if (held === undefined) break;
        this.#finish(held, json);
        break;
      case 'd': {
        this.blockedSince = null;
        const slot = this.#revoked.get(id);
        this.#revoked.delete(id);
        this.#forgotten.delete(id);
        if (slot !== undefined) this.#freeSlots.push(slot);
        break;
      }
      case 'a':
        this.blockedSince = null;
        this.#pingedAt = null;
        if (held !== undefined) held.isAbortHeard = true;
        break;
      case 'p': {
        const progress: Progress = JSON.parse(json);
        if (held !== undefined) this.#owner.progressed(this.#seen(held), progress);
        break;
      }
      case 'l': {
        const line: LogLine = JSON.parse(json);
        if (held !== undefined) this.#owner.logged(this.#seen(held), line);
        break;
      }
      case 'w': {
        const warning: string = JSON.parse(json);
        this.#owner.warn(warning);
        break;
      }
      case 'r':
        this.#state = 'ready';
        break;
      default:
        throw new Error(`a thread sent a report that is none: ${report.slice(0, 40)}`);
    }
  }

  #finish(held: Held, json: string): void {
    const errand = this.#seen(held);
    this.#remove(held);
    this.#freeSlots.push(held.slot);
    // Written by run-work.ts in the thread, from an Outcome.
    const outcome: Outcome = JSON.parse(json);
    this.#owner.finished(errand, outcome);
  }

  /** Its beginning is told before anything else of it. */
  #seen(held: Held): Errand {
    if (held.errand.startedAt === null) {
      this.#owner.begun(held.errand, this.#memory.startedAt(held.slot) ?? Date.now());
    }
    return held.errand;
  }

  #remove(held: Held): void {
    this.#held.delete(held.id);
    this.#byErrand.delete(held.errand);
  }
}

export interface LaneSetup {
  /** How many run in the thread at once. */
  readonly capacity: number;
  readonly modules: readonly string[];
  readonly node: string;
  readonly limits: Limits;
}

export interface LaneOwner {
  begun(errand: Errand, at: number): void;
  progressed(errand: Errand, progress: Progress): void;
  logged(errand: Errand, line: LogLine): void;
  finished(errand: Errand, outcome: Outcome): void;
  warn(message: string): void;
  /** After a round of reports: there may be room. */
  drained(lane: Lane): void;
  died(lane: Lane, error: unknown, remains: Remains, wasReady: boolean): void;
}

/** What a lane held when it ended. */
export interface Remains {
  readonly begun: readonly Errand[];
  readonly unbegun: readonly Errand[];
}

interface Held {
  readonly id: number;
  readonly slot: number;
  readonly errand: Errand;
  sentAt: number;
  isAbortHeard: boolean;
}
