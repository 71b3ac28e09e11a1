import { shardOf } from '#actors/ids.ts';

import type { LiveFeed, WorkflowChange, WorkflowRow } from '../api.ts';
import { Duty } from '../duty.ts';
import type { Membership } from '../members/membership.ts';
import type { Ownership } from '../members/ownership.ts';
import type { Courier } from '../messages/courier.ts';
import type { NodeMessage } from '../messages/wire.ts';
import type { Notices } from '../notices.ts';
import { watchForMs } from './publisher.ts';

/** Well within the time after which owners forget; a new owner learns of the watch within this time. */
const renewMs = Math.floor(watchForMs / 8);

interface RowsListener {
  readonly changed: (rows: readonly WorkflowRow[]) => void;
  readonly missed: () => void;
}

/** The watcher's half of the live feed: one watch for all who watch the same on this node. */
export class NodeLiveFeed implements LiveFeed {
  readonly #node: string;
  readonly #shards: number;
  readonly #courier: Courier;
  readonly #ownership: Ownership;
  readonly #membership: Membership;
  readonly #renew: Duty;
  readonly #workflows = new Map<string, Set<(change: WorkflowChange) => void>>();
  readonly #rows = new Set<RowsListener>();
  /** Of each node whose rows come: the number of the newest message of theirs. */
  readonly #seen = new Map<string, number>();

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

  watchRows(changed: RowsListener['changed'], missed: RowsListener['missed']): () => void {
    const listener = { changed, missed };
    this.#rows.add(listener);
    if (this.#rows.size === 1) this.#tellRows(true);
    return () => {
      if (!this.#rows.delete(listener) || this.#rows.size > 0) return;
      this.#tellRows(false);
      this.#seen.clear();
    };
  }

  changed(change: WorkflowChange): void {
    for (const listener of this.#workflows.get(change.id) ?? []) listener(change);
  }

  rowsChanged({ from, n, rows }: Extract<NodeMessage, { readonly t: 'rows' }>): void {
    if (this.#rows.size === 0) return;
    const seen = this.#seen.get(from);
    this.#seen.set(from, n);
    if (rows.length > 0) for (const { changed } of this.#rows) changed(rows);
    const expected = rows.length > 0 ? (seen ?? 0) + 1 : seen;
    if (n === 0 || n !== expected) this.#missed();
  }

  #unwatchWorkflow(id: string, listener: (change: WorkflowChange) => void): void {
    const listeners = this.#workflows.get(id);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    this.#workflows.delete(id);
    const owner = this.#ownership.ownerOf(shardOf(id, this.#shards));
    if (owner !== null) this.#courier.post(owner, { t: 'unwatch', from: this.#node, id });
  }

  #missed(): void {
    for (const { missed } of this.#rows) missed();
  }

  #renewAll(): void {
    if (this.#rows.size > 0) this.#renewRows();
    const byOwner = Map.groupBy(this.#workflows.keys(), (id) =>
      this.#ownership.ownerOf(shardOf(id, this.#shards)),
    );
    for (const [owner, ids] of byOwner) {
      if (owner !== null) this.#courier.post(owner, { t: 'watch', from: this.#node, ids });
    }
  }

  #renewRows(): void {
    this.#tellRows(true);
    const live = new Set(this.#membership.live().map(({ id }) => id));
    const gone = [...this.#seen.keys()].filter((id) => !live.has(id));
    for (const id of gone) this.#seen.delete(id);
    // What it committed last, it may not have told.
    if (gone.length > 0) this.#missed();
  }

  #tellRows(on: boolean): void {
    for (const { id } of this.#membership.live()) {
      const seen = this.#seen.get(id) ?? null;
      this.#courier.post(id, { t: 'watchRows', from: this.#node, on, seen });
    }
  }
}
