import type { DoorObserver } from '#http/door-observer.ts';

import { ByName } from './by-name.ts';
import type { Families } from './families.ts';
import { tallied } from './tallied.ts';
import { Tally, type TalliedHistogram } from './tally.ts';

/** More than there are routes, methods and answers to them. */
const answersLimit = 1_000;

/** Counts what a door tells of its requests and pages. */
export class DoorCounts implements DoorObserver {
  readonly #answers = new ByName(answersLimit, () => new Tally(tallied.httpRequest.bounds));
  readonly #resyncs = new ByName(answersLimit, () => ({ times: 0 }));

  answered({ method, route, status, ms }: Parameters<DoorObserver['answered']>[0]): void {
    // None of them has a space.
    this.#answers.of(`${method} ${route} ${status}`).add(ms / 1_000);
  }

  resynced(reason: string): void {
    this.#resyncs.of(reason).times += 1;
  }

  /** Gives the totals to prom-client. */
  settle({ uiResyncs }: Families): void {
    uiResyncs.reset();
    for (const [reason, { times }] of this.#resyncs) uiResyncs.inc({ reason }, times);
  }

  histograms(): readonly TalliedHistogram[] {
    const tallies = [...this.#answers].map(([key, tally]) => [key.split(' '), tally] as const);
    return [{ ...tallied.httpRequest, tallies }];
  }
}
