import { Duty } from '../duty.ts';
import type { Nodes } from '../mysql/nodes.ts';
import type { Notices } from '../notices.ts';
import type { Beats } from '../redis/beats.ts';
import type { MemberInfo, Sighting, Witnessed } from './member.ts';
import { judge, memberId, readMemberInfo } from './member.ts';

const redisBeatMs = 500;
const mysqlBeatMs = 1_000;
/** After so long a silence nobody waits for a node to come back: its traces are removed. */
const forgetMs = 60_000;
/** Who has not looked for so long cannot tell a silence of others from its own. */
const blindMs = 3_000;

export interface Member {
  readonly id: string;
  readonly info: MemberInfo;
  readonly state: 'up' | 'suspect' | 'down';
}

interface Seen extends Witnessed {
  info: MemberInfo;
  /** When it said by a message, rather than by a beat, that it takes no shards. */
  toldAt?: number;
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
  readonly #sightings = new Map<string, Seen>();
  #members = new Map<string, Member>();
  #replacedBy: string | undefined;
  #heardRedisAt: number | null = null;
  #heardMysqlAt: number | null = null;

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

  /** Tells the others what is new about this node; resolves once all who look from now on see it. */
  async tell(): Promise<void> {
    await this.#beatRedis();
  }

  /** A member takes no shards from now on, whatever a beat says that was asked for before. */
  rests(id: string): void {
    const sighting = this.#sightings.get(id);
    if (sighting === undefined) return;
    sighting.info = { ...sighting.info, takesShards: false };
    sighting.toldAt = performance.now();
    this.#judgeAll(sighting.toldAt);
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

  /** For how long this node could tell of itself neither in Redis nor in MySQL. */
  get silentMs(): number {
    return performance.now() - Math.max(this.#heardRedisAt ?? 0, this.#heardMysqlAt ?? 0);
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Those that live: shards may be placed on them unless they drain. */
  live(): readonly Member[] {
    return [...this.#members.values()].filter(({ state }) => state !== 'down');
  }

  /** How long ago a node was last seen to live, in milliseconds of this node's clock. */
  heartbeatAgeMs(id: string): number {
    const sighting = this.#sightings.get(id);
    return sighting === undefined ? Infinity : silentMs(sighting, performance.now());
  }

  /** A node that is down, replaced by a later incarnation, or was never heard of by either witness. */
  isGone(id: string): boolean {
    if (id === memberId(this.#self())) return false;
    const member = this.#members.get(id);
    if (member !== undefined) return member.state === 'down';
    return this.#heardRedisAt !== null && this.#heardMysqlAt !== null;
  }

  async #beatRedis(): Promise<void> {
    const self = this.#self();
    const askedAt = performance.now();
    const { nodes } = await this.#beats.beat(memberId(self), JSON.stringify(self));
    const now = performance.now();
    this.#notices.emit('redis.answered', { ms: now - askedAt });
    const wasBlind = isBlind(this.#heardRedisAt, now);
    this.#heardRedisAt = now;
    for (const [id, { counter, info }] of nodes) {
      const before = this.#sightings.get(id);
      const parsed = readMemberInfo(info) ?? before?.info;
      if (parsed === undefined) continue;
      const isOld = before?.toldAt !== undefined && before.toldAt > askedAt;
      this.#sightings.set(id, {
        info: isOld ? { ...parsed, takesShards: false } : parsed,
        ...(isOld ? { toldAt: before.toldAt } : {}),
        redis: seen(wasBlind ? null : (before?.redis ?? null), counter, now),
        mysql: before?.mysql ?? null,
      });
    }
    this.#judgeAll(now);
  }

  async #beatMysql(): Promise<void> {
    const self = this.#self();
    const rows = await this.#nodes.beat(self.name, self.incarnation, {
      ...self,
      load: { ...self.load },
    });
    const now = performance.now();
    const wasBlind = isBlind(this.#heardMysqlAt, now);
    this.#heardMysqlAt = now;
    for (const { name, incarnation, counter, info } of rows) {
      const id = memberId({ name, incarnation });
      const before = this.#sightings.get(id);
      // A row that only MySQL has yet.
      const told = before?.info ?? readMemberInfo(info);
      if (told === null) continue;
      this.#sightings.set(id, {
        info: told,
        redis: before?.redis ?? null,
        mysql: seen(wasBlind ? null : (before?.mysql ?? null), counter, now),
      });
    }
    this.#judgeAll(now);
    await this.#forgetDead(now);
  }

  /** In both places before it is out of mind: a trace that is met anew looks like a sign of life. */
  async #forgetDead(now: number): Promise<void> {
    const self = memberId(this.#self());
    const dead = [...this.#sightings].filter(
      ([id, sighting]) => id !== self && silentMs(sighting, now) > forgetMs,
    );
    if (dead.length === 0) return;
    await this.#beats.forget(...dead.map(([id]) => id));
    for (const [id, { info }] of dead) {
      await this.#nodes.remove(info.name, info.incarnation);
      this.#sightings.delete(id);
    }
  }

  #judgeAll(now: number): void {
    const self = memberId(this.#self());
    const replaced = this.#replaced();
    this.#tellReplacement(replaced.get(self));
    const members = new Map<string, Member>();
    for (const [id, sighting] of this.#sightings) {
      const state = id === self ? 'up' : replaced.has(id) ? 'down' : judge(sighting, now);
      members.set(id, { id, info: sighting.info, state });
      if (state === 'down' && this.#members.get(id)?.state !== 'down') {
        this.#notices.emit('member.down', { node: id, silentMs: silentMs(sighting, now) });
      }
      if (state === 'up' && (this.#members.get(id)?.state ?? 'down') === 'down') {
        this.#notices.emit('member.up', { node: id });
      }
    }
    const changed = differs(this.#members, members);
    this.#members = members;
    if (changed) this.#onChange();
  }

  /** Once for each: two that live under one name are a mistake that nobody else tells this node of. */
  #tellReplacement(by: string | undefined): void {
    if (by === undefined || by === this.#replacedBy) return;
    this.#replacedBy = by;
    this.#notices.emit('member.replaced', { by });
  }

  /** Earlier incarnations of a name, each with a later one: the later start means that the earlier one has ended. */
  #replaced(): ReadonlyMap<string, string> {
    const newest = new Map<string, { id: string; startedAt: number }>();
    const replaced = new Map<string, string>();
    for (const [id, { info }] of this.#sightings) {
      const known = newest.get(info.name);
      if (known === undefined || known.startedAt < info.startedAt) {
        if (known !== undefined) replaced.set(known.id, id);
        newest.set(info.name, { id, startedAt: info.startedAt });
      } else {
        replaced.set(id, known.id);
      }
    }
    return replaced;
  }
}

function seen(before: Sighting | null, counter: number, now: number): Sighting {
  return before !== null && before.counter === counter ? before : { counter, changedAtMs: now };
}

function isBlind(heardAt: number | null, now: number): boolean {
  return heardAt !== null && now - heardAt > blindMs;
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
    // Shards have moved: who owns which is to be read again.
    if (known.info.shards !== member.info.shards) return true;
  }
  return false;
}
