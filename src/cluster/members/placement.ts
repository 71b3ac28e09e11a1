import { hash32 } from '#actors/ids.ts';

/**
 * Which node should own a shard: rendezvous hashing (Thaler and Ravishankar, 1998). Every node computes the same answer from
 * the same members, and a member that comes or goes moves only the shards that are its own.
 */
export function ownerOf(shard: number, members: readonly string[]): string | null {
  let best: string | null = null;
  let bestScore = -1;
  for (const member of members) {
    const score = hash32(`${member}|${shard}`);
    if (score > bestScore || (score === bestScore && best !== null && member < best)) {
      best = member;
      bestScore = score;
    }
  }
  return best;
}
