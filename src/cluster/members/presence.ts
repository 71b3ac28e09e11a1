import { randomBytes } from 'node:crypto';

import type { MemberInfo } from './member.ts';
import { memberId } from './member.ts';

/** What a node tells about itself; whoever changes it has it announced. */
export class Presence {
  readonly name: string;
  readonly incarnation = randomBytes(6).toString('hex');
  readonly id: string;
  readonly #startedAt = Date.now();
  url: string | null = null;
  draining = false;
  takesShards: boolean;
  takesWork: boolean;

  constructor(name: string, takes: { readonly shards: boolean; readonly work: boolean }) {
    this.name = name;
    this.id = memberId(this);
    this.takesShards = takes.shards;
    this.takesWork = takes.work;
  }

  info(now: { readonly offers: Iterable<string>; readonly shards: number }): MemberInfo {
    return {
      name: this.name,
      incarnation: this.incarnation,
      url: this.url,
      offers: this.takesWork ? [...now.offers] : [],
      draining: this.draining,
      takesShards: this.takesShards,
      shards: now.shards,
      startedAt: this.#startedAt,
    };
  }
}
