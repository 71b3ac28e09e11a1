import { shardOf } from '#actors/ids.ts';
import type { WorkflowEvent } from '#actors/workflow-events.ts';

import type { EventPage, NumberedEvent } from './api.ts';
import { unavailable } from './health.ts';
import type { Ownership } from './members/ownership.ts';
import type { Calls } from './messages/calls.ts';
import type { Courier } from './messages/courier.ts';
import type { EventsAnswer, NodeMessage } from './messages/wire.ts';
import type { Histories } from './mysql/history.ts';
import type { Snapshots } from './mysql/snapshots.ts';
import type { Engine } from './shards/engine.ts';

/** How long an owner is waited for before it is asked again: it may have died, or have handed the shard over. */
const patienceMs = 2_000;
const pauseMs = 100;
/** How long a read looks for an owner before it is content with what is stored. */
const ownerlessMs = 3_000;
/** Of one page, about. */
const storedBytes = 8 * 1024 * 1024;
const toldBytes = 1024 * 1024;

type EventsRequest = Extract<NodeMessage, { t: 'events' }>;

/**
 * Reads what happened to a workflow. Its history is stored up to a second after the journal; what is committed and not yet
 * in it, the owner has in memory. The owner is asked first: what it then does not have any more is in the history.
 */
export class EventReads {
  readonly #node: string;
  readonly #shards: number;
  readonly #engine: Engine;
  readonly #histories: Histories;
  readonly #snapshots: Snapshots;
  readonly #ownership: Ownership;
  readonly #courier: Courier;
  readonly #answers: Calls<EventsAnswer>;

  constructor(parts: {
    node: string;
    shards: number;
    engine: Engine;
    histories: Histories;
    snapshots: Snapshots;
    ownership: Ownership;
    courier: Courier;
    answers: Calls<EventsAnswer>;
  }) {
    this.#node = parts.node;
    this.#shards = parts.shards;
    this.#engine = parts.engine;
    this.#histories = parts.histories;
    this.#snapshots = parts.snapshots;
    this.#ownership = parts.ownership;
    this.#courier = parts.courier;
    this.#answers = parts.answers;
  }

  /** Null when there is no such workflow. */
  async read(id: string, after: number, limit: number): Promise<EventPage | null> {
    const answer = await this.#askUntilAnswered({ id, after, limit });
    const shard = shardOf(id, this.#shards);
    const told = answer !== null && 'last' in answer ? answer : null;
    const last = told?.last ?? (await this.#snapshots.seqOf({ shard, id }));
    if (last === null) {
      if (answer === null) throw unavailable(`the owner of ${id} does not answer`);
      return null;
    }
    const before = told?.first ?? last + 1;
    const range = { after, before, limit, bytes: storedBytes };
    const stored = await this.#histories.read<WorkflowEvent>(shard, id, range);
    const events: NumberedEvent[] = stored.map(({ seq, event }) => ({ seq, ...event }));
    if (events.length === 0 || (events.at(-1)?.seq ?? 0) + 1 === before) {
      events.push(...numbered(told, after).slice(0, limit - events.length));
    }
    const reached = events.at(-1)?.seq ?? null;
    return { events, next: reached !== null && reached < last ? reached : null };
  }

  /** Somebody asks this node. */
  asked(request: EventsRequest): void {
    const answer = this.#answer(request);
    this.#courier.post(request.from, { t: 'happened', call: request.call, answer });
  }

  /** Null when nobody has answered for long. */
  async #askUntilAnswered(wanted: Wanted): Promise<EventsAnswer | null> {
    const until = performance.now() + ownerlessMs;
    for (;;) {
      const answer = await this.#ask(wanted);
      if (answer !== null && !('moved' in answer)) return answer;
      if (performance.now() > until) return null;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #ask({ id, after, limit }: Wanted): Promise<EventsAnswer | null> {
    const owner = this.#ownership.ownerOf(shardOf(id, this.#shards));
    if (owner === null) return null;
    if (owner === this.#node) return this.#answer({ id, after, limit });
    const call = this.#answers.open();
    try {
      this.#courier.post(owner, { t: 'events', call: call.id, from: this.#node, id, after, limit });
      return await call.within(patienceMs);
    } finally {
      call.close();
    }
  }

  #answer({ id, after, limit }: Wanted): EventsAnswer {
    const shard = this.#engine.openShardOf(id);
    // One that is being read, or is to be read first, has nothing that is not stored.
    if (shard === null) return { moved: true };
    const activation = shard.activations.get(id);
    if (activation === undefined || activation.committedSeq === 0) return { away: true };
    const { tail, tailFirst, committedSeq } = activation;
    const from = Math.max(0, after + 1 - tailFirst);
    const reaches = tailFirst <= after + limit;
    const events: string[] = [];
    let bytes = 0;
    for (const event of reaches ? tail.slice(from, from + limit) : []) {
      if (bytes > toldBytes) break;
      events.push(event);
      bytes += event.length;
    }
    return { first: tailFirst, last: committedSeq, events };
  }
}

interface Wanted {
  readonly id: string;
  readonly after: number;
  readonly limit: number;
}

function numbered(
  told: Extract<EventsAnswer, { first: number }> | null,
  after: number,
): readonly NumberedEvent[] {
  if (told === null) return [];
  const from = Math.max(told.first, after + 1);
  return told.events.map((text, index) => {
    const event: WorkflowEvent = JSON.parse(text);
    return { seq: from + index, ...event };
  });
}
