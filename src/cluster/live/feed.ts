import { shardOf } from '#actors/ids.ts';

import type { LiveFeed, WorkflowChange, WorkflowRow } from '../api.ts';
import { Duty } from '../duty.ts';
import type { Membership } from '../members/membership.ts';
import type { Ownership } from '../members/ownership.ts';
import type { Courier } from '../messages/courier.ts';
import type { Notices } from '../notices.ts';
import { watchForMs } from './publisher.ts';

/** Well within the time after which owners forget; a new owner learns of the watch within this time. */
const renewMs = Math.floor(watchForMs / 8);

/** The watcher's half of the live feed: one watch for all who watch the same on this node. */
export class NodeLiveFeed implements LiveFeed {
  readonly #node: string;
  readonly #shards: number;
  readonly #courier: Courier;
  readonly #ownership: Ownership;
  readonly #membership: Membership;
  readonly #renew: Duty;
  readonly #workflows = new Map<string, Set<(change: WorkflowChange) => void>>();
  readonly #rows = new Set<(rows: readonly WorkflowRow[]) => void>();

  constructor(parts: {
    node: string;
    shards: number;
    courier: Courier;
    ownership: Ownership;
    membership: Membership;
    notices: Notices;
  }) {
    this.#node = parts.node;
    this.#shards = parts.shards;
    this.#courier = parts.courier;
    this.#ownership = parts.ownership;
    this.#membership = parts.membership;
    this.#renew = new Duty('renew watches', renewMs, parts.notices, async () => this.#renewAll());
  }

  start(): void {
    this.#renew.start();
  }

  async stop(): Promise<void> {
    await this.#renew.stop();
  }

  watchWorkflow(id: string, listener: (change: WorkflowChange) => void): () => void {
    let listeners = this.#workflows.get(id);
    if (listeners === undefined) this.#workflows.set(id, (listeners = new Set()));
    listeners.add(listener);
    const owner = this.#ownership.ownerOf(shardOf(id, this.#shards));
    if (owner !== null) this.#courier.post(owner, { t: 'watch', from: this.#node, ids: [id] });
    return () => this.#unwatchWorkflow(id, listener);
  }

  watchRows(listener: (rows: readonly WorkflowRow[]) => void): () => void {
    this.#rows.add(listener);
    if (this.#rows.size === 1) this.#tellRows(true);
    return () => {
      this.#rows.delete(listener);
      if (this.#rows.size === 0) this.#tellRows(false);
    };
  }

  changed(change: WorkflowChange): void {
    for (const listener of this.#workflows.get(change.id) ?? []) listener(change);
  }

  rowsChanged(rows: readonly WorkflowRow[]): void {
    for (const listener of this.#rows) listener(rows);
  }

  #unwatchWorkflow(id: string, listener: (change: WorkflowChange) => void): void {
    const listeners = this.#workflows.get(id);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    this.#workflows.delete(id);
    const owner = this.#ownership.ownerOf(shardOf(id, this.#shards));
    if (owner !== null) this.#courier.post(owner, { t: 'unwatch', from: this.#node, id });
  }

  #renewAll(): void {
    if (this.#rows.size > 0) this.#tellRows(true);
    const byOwner = Map.groupBy(this.#workflows.keys(), (id) =>
      this.#ownership.ownerOf(shardOf(id, this.#shards)),
    );
    for (const [owner, ids] of byOwner) {
      if (owner !== null) this.#courier.post(owner, { t: 'watch', from: this.#node, ids });
    }
  }

  #tellRows(on: boolean): void {
    for (const { id } of this.#membership.live()) {
      this.#courier.post(id, { t: 'watchRows', from: this.#node, on });
    }
  }
}
