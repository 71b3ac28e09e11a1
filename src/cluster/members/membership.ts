import { Duty } from '../duty.ts';
import type { Nodes } from '../mysql/nodes.ts';
import type { Notices } from '../notices.ts';
import type { Beats } from '../redis/beats.ts';
import type { MemberInfo, Sighting, Witnessed } from './member.ts';
import { judge, memberId } from './member.ts';

const redisBeatMs = 500;
const mysqlBeatMs = 1_000;

export interface Member {
  readonly id: string;
  readonly info: MemberInfo;
  readonly state: 'up' | 'suspect' | 'down';
}

/**
 * Who is in the cluster, as this node sees it: every node moves a counter in Redis and one in MySQL, and watches the
 * counters of the others.
 */
export class Membership {
  readonly #beats: Beats;
  readonly #nodes: Nodes;
  readonly #notices: Notices;
  readonly #self: () => MemberInfo;
  readonly #onChange: () => void;
  readonly #redisDuty: Duty;
  readonly #mysqlDuty: Duty;
  readonly #sightings = new Map<
    string,
    { info: MemberInfo; redis: Sighting | null; mysql: Sighting | null }
  >();
  #members = new Map<string, Member>();
  #heardRedis = false;
  #heardMysql = false;

  constructor(parts: {
    beats: Beats;
    nodes: Nodes;
    notices: Notices;
    self(): MemberInfo;
    /** A member came, went, or says something new about itself. */
    onChange(): void;
  }) {
    this.#beats = parts.beats;
    this.#nodes = parts.nodes;
    this.#notices = parts.notices;
    this.#self = () => parts.self();
    this.#onChange = () => parts.onChange();
    this.#redisDuty = new Duty(
      'beat in Redis',
      redisBeatMs,
      this.#notices,
      async () => await this.#beatRedis(),
    );
    this.#mysqlDuty = new Duty(
      'beat in MySQL',
      mysqlBeatMs,
      this.#notices,
      async () => await this.#beatMysql(),
    );
  }

  /** Resolves after the first beat in both, so that this node is seen and has seen. */
  async start(): Promise<void> {
    await Promise.all([this.#beatRedis(), this.#beatMysql()]);
    this.#redisDuty.start();
    this.#mysqlDuty.start();
  }

  /** Tells the others at once what is new about this node. */
  announce(): void {
    this.#redisDuty.nudge();
  }

  /** Leaves for good: nobody needs to wait for this node's silence. */
  async leave(): Promise<void> {
    await this.stop();
    const { name, incarnation } = this.#self();
    await Promise.allSettled([
      this.#beats.forget(memberId(this.#self())),
      this.#nodes.remove(name, incarnation),
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#redisDuty.stop(), this.#mysqlDuty.stop()]);
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Those that live: shards may be placed on them unless they drain. */
  live(): readonly Member[] {
    return [...this.#members.values()].filter(({ state }) => state !== 'down');
  }

  /** A node that is down, replaced by a later incarnation, or was never heard of by either witness. */
  isGone(id: string): boolean {
    if (id === memberId(this.#self())) return false;
    const member = this.#members.get(id);
    if (member !== undefined) return member.state === 'down';
    return this.#heardRedis && this.#heardMysql;
  }

  async #beatRedis(): Promise<void> {
    const self = this.#self();
    const { nodes } = await this.#beats.beat(memberId(self), JSON.stringify(self));
    this.#heardRedis = true;
    const now = performance.now();
    for (const [id, { counter, info }] of nodes) {
      const parsed: MemberInfo = JSON.parse(info);
      const before = this.#sightings.get(id);
      this.#sightings.set(id, {
        info: parsed,
        redis: seen(before?.redis ?? null, counter, now),
        mysql: before?.mysql ?? null,
      });
    }
    this.#judgeAll(now);
  }

  async #beatMysql(): Promise<void> {
    const self = this.#self();
    const rows = await this.#nodes.beat(self.name, self.incarnation, { ...self });
    this.#heardMysql = true;
    const now = performance.now();
    for (const { name, incarnation, counter, info } of rows) {
      const id = memberId({ name, incarnation });
      const before = this.#sightings.get(id);
      // A row that only MySQL has yet: what it says of itself was written by a node of ours.
      const told: MemberInfo = before?.info ?? JSON.parse(JSON.stringify(info));
      this.#sightings.set(id, {
        info: told,
        redis: before?.redis ?? null,
        mysql: seen(before?.mysql ?? null, counter, now),
      });
    }
    this.#judgeAll(now);
  }

  #judgeAll(now: number): void {
    const self = memberId(this.#self());
    const replaced = this.#replaced();
    const members = new Map<string, Member>();
    const forgotten: string[] = [];
    for (const [id, sighting] of this.#sightings) {
      const state = id === self ? 'up' : replaced.has(id) ? 'down' : judge(sighting, now);
      members.set(id, { id, info: sighting.info, state });
      if (state === 'down' && this.#members.get(id)?.state !== 'down') {
        this.#notices.emit('member.down', { node: id, silentMs: silentMs(sighting, now) });
      }
      if (state === 'down' && silentMs(sighting, now) > 60_000) forgotten.push(id);
      if (state === 'up' && (this.#members.get(id)?.state ?? 'down') === 'down') {
        this.#notices.emit('member.up', { node: id });
      }
    }
    for (const id of forgotten) this.#sightings.delete(id);
    if (forgotten.length > 0) void this.#beats.forget(...forgotten).catch(() => {});
    const changed = differs(this.#members, members);
    this.#members = members;
    if (changed) this.#onChange();
  }

  /** Earlier incarnations of a name: the later start means that the earlier one has ended. */
  #replaced(): Set<string> {
    const newest = new Map<string, { id: string; startedAt: number }>();
    const replaced = new Set<string>();
    for (const [id, { info }] of this.#sightings) {
      const known = newest.get(info.name);
      if (known === undefined || known.startedAt < info.startedAt) {
        if (known !== undefined) replaced.add(known.id);
        newest.set(info.name, { id, startedAt: info.startedAt });
      } else {
        replaced.add(id);
      }
    }
    return replaced;
  }
}

function seen(before: Sighting | null, counter: number, now: number): Sighting {
  return before !== null && before.counter === counter ? before : { counter, changedAtMs: now };
}

function silentMs({ redis, mysql }: Witnessed, now: number): number {
  return now - Math.max(redis?.changedAtMs ?? 0, mysql?.changedAtMs ?? 0);
}

function differs(before: ReadonlyMap<string, Member>, after: ReadonlyMap<string, Member>): boolean {
  if (before.size !== after.size) return true;
  for (const [id, member] of after) {
    const known = before.get(id);
    if (known?.state !== member.state || known.info.draining !== member.info.draining) return true;
    if (known.info.takesShards !== member.info.takesShards) return true;
    if (known.info.offers.join() !== member.info.offers.join()) return true;
  }
  return false;
}
