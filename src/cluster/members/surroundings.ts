import type { Surroundings } from '#actors/why.ts';

import { memberName } from './member.ts';
import type { Membership } from './membership.ts';

/** The cluster at this moment, as far as it says why a workflow is where it is. */
export function surroundingsOf(membership: Membership): Surroundings {
  const offered = new Map<string, boolean>();
  return {
    now: Date.now(),
    offers: (queue) => {
      let isOffered = offered.get(queue);
      if (isOffered === undefined) {
        isOffered = membership.live().some(({ info }) => info.offers.includes(queue));
        offered.set(queue, isOffered);
      }
      return isOffered;
    },
    nodeName: memberName,
  };
}
