import { randomBytes } from 'node:crypto';

import { version } from '../version.ts';
import type { Load } from './load-meter.ts';
import type { MemberInfo } from './member.ts';
import { memberId } from './member.ts';

/** What a node tells about itself; whoever changes it has it announced. */
export class Presence {
  readonly name: string;
  readonly incarnation = randomBytes(6).toString('hex');
  readonly id: string;
  readonly #startedAt = Date.now();
  url: string | null = null;
  /** It leaves for good. */
  isLeaving = false;
  /** An operator has taken it out of the cluster's work. */
  isDrained = false;
  wantsShards: boolean;
  wantsWork: boolean;

  constructor(name: string, wants: { readonly shards: boolean; readonly work: boolean }) {
    this.name = name;
    this.id = memberId(this);
    this.wantsShards = wants.shards;
    this.wantsWork = wants.work;
  }

  get isDraining(): boolean {
    return this.isLeaving || this.isDrained;
  }

  get takesShards(): boolean {
    return this.wantsShards && !this.isDraining;
  }

  get takesWork(): boolean {
    return this.wantsWork && !this.isDraining;
  }

  info(now: {
    readonly offers: Iterable<string>;
    readonly shards: number;
    readonly load: Load;
  }): MemberInfo {
    return {
      name: this.name,
      incarnation: this.incarnation,
      url: this.url,
      version,
      offers: this.takesWork ? [...now.offers] : [],
      draining: this.isDraining,
      takesShards: this.takesShards,
      shards: now.shards,
      load: now.load,
      startedAt: this.#startedAt,
    };
  }
}
