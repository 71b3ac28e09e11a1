import { Duty } from '../duty.ts';
import type { Courier } from '../messages/courier.ts';
import type { Claims, Held, ShardRow } from '../mysql/claims.ts';
import type { Journal } from '../mysql/journal.ts';
import type { Snapshots } from '../mysql/snapshots.ts';
import type { Notices } from '../notices.ts';
import type { Mailboxes } from '../redis/mailboxes.ts';
import type { Checkpointer } from '../shards/checkpointer.ts';
import type { Engine } from '../shards/engine.ts';
import type { Shard } from '../shards/shard.ts';
import { loadShards } from '../shards/takeover.ts';
import type { Membership } from './membership.ts';
import { decideOwnership, ownerIdOf } from './ownership-decision.ts';
import type { Presence } from './presence.ts';

const roundMs = 1_000;
/** Reading the shard table is cheap, but it need not be done when nothing has changed. */
const quietRoundsBetweenReads = 5;
const shardsPerRound = 128;

/**
 * Sees to it that this node owns the shards that it should, and no others.
 *
 * O1 a shard is held only after a claim in MySQL gave it an epoch; O2 it is let go only after all that was decided is
 * committed and checkpointed; O3 who lets go tells who should have it, so that nobody waits for a silence.
 */
export class Ownership {
  readonly #presence: Presence;
  readonly #id: string;
  readonly #claims: Claims;
  readonly #journal: Journal;
  readonly #snapshots: Snapshots;
  readonly #mailboxes: Mailboxes;
  readonly #engine: Engine;
  readonly #checkpointer: Checkpointer;
  readonly #courier: Courier;
  readonly #membership: Membership;
  readonly #notices: Notices;
  readonly #onOwned: (shards: readonly Shard[], from: ReadonlySet<string>) => void;
  readonly #duty: Duty;
  #quietRounds = Infinity;
  #resting = false;
  #owners = new Map<number, string | null>();
  #settled: (() => void) | null = null;

  constructor(parts: {
    presence: Presence;
    claims: Claims;
    journal: Journal;
    snapshots: Snapshots;
    mailboxes: Mailboxes;
    engine: Engine;
    checkpointer: Checkpointer;
    courier: Courier;
    membership: Membership;
    notices: Notices;
    /** `from`: owners that had not let go, and were taken for gone. */
    onOwned(shards: readonly Shard[], from: ReadonlySet<string>): void;
  }) {
    this.#presence = parts.presence;
    this.#id = parts.presence.id;
    this.#claims = parts.claims;
    this.#journal = parts.journal;
    this.#snapshots = parts.snapshots;
    this.#mailboxes = parts.mailboxes;
    this.#engine = parts.engine;
    this.#checkpointer = parts.checkpointer;
    this.#courier = parts.courier;
    this.#membership = parts.membership;
    this.#notices = parts.notices;
    this.#onOwned = (shards, from) => parts.onOwned(shards, from);
    this.#duty = new Duty('own shards', roundMs, this.#notices, async () => await this.#round());
  }

  /** Resolves when this node has claimed what it should own at first; a client of the cluster claims nothing. */
  async start(options: { readonly resting: boolean }): Promise<void> {
    this.#resting = options.resting;
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    this.#duty.start();
    await settled;
  }

  /** Members have changed, or somebody let shards go. */
  reconsider(): void {
    this.#quietRounds = Infinity;
    this.#duty.nudge();
  }

  /** The node that owns a shard, as far as this one knows. */
  ownerOf(shard: number): string | null {
    return this.#engine.shards.has(shard) ? this.#id : (this.#owners.get(shard) ?? null);
  }

  owners(): ReadonlyMap<number, string | null> {
    return this.#owners;
  }

  /** Takes shards again after `drain`. */
  resume(): void {
    this.#resting = false;
    this.#duty.start();
    this.reconsider();
  }

  /** Hands everything over, and takes nothing until `resume`. */
  async drain(): Promise<void> {
    this.#resting = true;
    // A round under way may still claim: what it claims is let go too.
    await this.#duty.stop();
    try {
      while (this.#engine.shards.size > 0) await this.#letGo([...this.#engine.shards.values()]);
    } finally {
      this.#duty.start();
    }
  }

  async stop(): Promise<void> {
    await this.#duty.stop();
  }

  async #round(): Promise<void> {
    this.#quietRounds += 1;
    if (this.#quietRounds < quietRoundsBetweenReads) return;
    this.#quietRounds = 0;
    try {
      const rows = await this.#claims.read();
      this.#owners = new Map(rows.map((row) => [row.shard, ownerIdOf(row)]));
      // What could not be handed over at once is handed over as soon as it can be.
      if (this.#resting) await this.#letGo([...this.#engine.shards.values()]);
      else await this.#decide(rows);
    } catch (error) {
      // The next round is not a quiet one: what was to be done is still to be done.
      this.#quietRounds = Infinity;
      throw error;
    }
    this.#settled?.();
    this.#settled = null;
  }

  async #decide(rows: readonly ShardRow[]): Promise<void> {
    // What could not be let go, because MySQL was away, is neither served nor anybody else's to claim.
    await this.#letGo([...this.#engine.shards.values()].filter(({ mode }) => mode === 'closing'));
    const { lost, claim, handOver } = decideOwnership({
      self: this.#id,
      candidates: this.#candidates(),
      rows,
      held: new Map([...this.#engine.shards.values()].map(({ number, epoch }) => [number, epoch])),
      isGone: (id) => this.#membership.isGone(id),
    });
    for (const number of lost) {
      const shard = this.#engine.shards.get(number);
      if (shard !== undefined) this.#engine.lose(shard);
    }
    if (claim.length > 0) await this.#claim(claim);
    const shards = [...handOver.values()].flat().slice(0, shardsPerRound);
    await this.#letGo(shards.flatMap((number) => this.#engine.shards.get(number) ?? []));
    if (claim.length > 0 || shards.length > 0) this.reconsider();
  }

  #candidates(): readonly string[] {
    return this.#membership
      .live()
      .filter(({ info }) => info.takesShards && !info.draining)
      .map(({ id }) => id);
  }

  async #claim(wanted: readonly Held[]): Promise<void> {
    const before = new Map(this.#owners);
    const claimed = await this.#claims.claim(
      wanted,
      this.#presence.name,
      this.#presence.incarnation,
    );
    if (claimed.length === 0) return;
    const shards = await loadShards(claimed, {
      engine: this.#engine,
      snapshots: this.#snapshots,
      journal: this.#journal,
      notices: this.#notices,
    });
    for (const shard of shards) this.#engine.open(shard);
    for (const { shard } of claimed) this.#owners.set(shard, this.#id);
    await this.#mailboxes
      .installOwner(claimed.map(({ shard, epoch }) => ({ shard, node: this.#id, epoch })))
      // Without it senders do not know whom to ring, which the owner's sweep makes up for; Redis coming back installs it.
      .catch((error: unknown) => {
        this.#notices.emit('duty.failed', { duty: 'install owner', error });
      });
    const owners = claimed.flatMap(({ shard }) => before.get(shard) ?? []);
    const from = new Set(owners);
    this.#notices.emit('shards.claimed', {
      shards: claimed.map(({ shard }) => shard),
      from: [...from],
      taken: owners.filter((owner) => owner !== this.#id).length,
    });
    this.#onOwned(shards, from);
    this.#membership.announce();
  }

  /** Redis has lost its copies of who owns what. */
  async reinstall(): Promise<void> {
    await this.#mailboxes.installOwner(
      [...this.#engine.shards.values()].map(({ number, epoch }) => ({
        shard: number,
        node: this.#id,
        epoch,
      })),
    );
  }

  async #letGo(shards: readonly Shard[]): Promise<void> {
    if (shards.length === 0) return;
    await Promise.all(shards.map(async (shard) => await this.#engine.close(shard)));
    // A successor replays what the checkpoint lacks; failing to write it here costs it time alone.
    await this.#checkpointer.flush(shards).catch((error: unknown) => {
      this.#notices.emit('duty.failed', { duty: 'checkpoint before hand-over', error });
    });
    const held = shards.filter(({ mode }) => mode !== 'gone');
    await this.#claims.release(held.map(({ number, epoch }) => ({ shard: number, epoch })));
    for (const shard of held) this.#engine.lose(shard);
    const numbers = held.map(({ number }) => number);
    this.#notices.emit('shards.released', { shards: numbers });
    for (const number of numbers) this.#owners.set(number, null);
    for (const candidate of this.#candidates()) {
      if (candidate === this.#id) continue;
      const claim = { t: 'claim', from: this.#id, rests: this.#resting, shards: numbers } as const;
      this.#courier.post(candidate, claim);
    }
    this.#membership.announce();
  }
}
