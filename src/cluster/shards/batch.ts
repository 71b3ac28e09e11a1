import type { ActorEvent } from '#actors/actor.ts';
import type { Decision, Effect } from '#actors/message.ts';

import type { Activation } from './activation.ts';

/** What one commit of one shard holds: events of many actors, and all that may leave once they are durable. */
export class Batch {
  readonly entries = new Map<string, BatchEntry>();
  readonly effects: Effect[] = [];
  /** Ids of the mailbox messages that are applied by this batch. */
  readonly acks: string[] = [];
  /** What to do besides, once it is committed. */
  readonly afterwards: (() => void)[] = [];
  bytes = 0;

  add(activation: Activation, decision: Decision<ActorEvent>): void {
    this.effects.push(...decision.effects);
    if (decision.events.length === 0) return;
    let entry = this.entries.get(activation.id);
    if (entry === undefined) {
      const first = activation.actor.seq - decision.events.length + 1;
      entry = { activation, first, events: [], decided: [] };
      this.entries.set(activation.id, entry);
    }
    for (const event of decision.events) {
      const text = JSON.stringify(event);
      this.bytes += text.length;
      entry.events.push(text);
      entry.decided.push(event);
    }
  }

  /** The journal row: JSON of `JournalEntry[]`, from the texts that history keeps too. */
  records(): string {
    const entries: string[] = [];
    for (const [actor, { first, events }] of this.entries) {
      entries.push(
        `{"actor":${JSON.stringify(actor)},"first":${first},"events":[${events.join(',')}]}`,
      );
    }
    return `[${entries.join(',')}]`;
  }
}

export interface BatchEntry {
  readonly activation: Activation;
  readonly first: number;
  /** As JSON text, which is what the journal and the history keep. */
  readonly events: string[];
  readonly decided: ActorEvent[];
}
