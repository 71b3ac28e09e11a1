const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type StopReason = (typeof names)[number] | 'the parent process has gone';

/**
 * What the user asks for by Ctrl-C, `kill` or closing the terminal: the first time to stop in order, the second time to stop now.
 * Under `npm start` one Ctrl-C comes twice, from the terminal and from npm, and a parent that dies is both a closed channel and
 * the SIGTERM of its warden: so what follows at once is the same request.
 */
export class StopSignals implements Disposable {
  /** Resolves at the first one, to what it was. */
  readonly requested: Promise<StopReason>;
  readonly #onSecond: () => void;
  readonly #first = Promise.withResolvers<StopReason>();
  #firstAt: number | undefined;
  #wereRepeated = false;

  /** `withParent`: a process that another one has forked stops when that one has gone. */
  constructor(onSecond: () => void, { withParent = false } = {}) {
    this.requested = this.#first.promise;
    this.#onSecond = onSecond;
    for (const name of names) process.on(name, this.#hear);
    if (withParent) process.on('disconnect', this.#hearParent);
  }

  get wereHeard(): boolean {
    return this.#firstAt !== undefined;
  }

  get wereRepeated(): boolean {
    return this.#wereRepeated;
  }

  [Symbol.dispose](): void {
    for (const name of names) process.off(name, this.#hear);
    process.off('disconnect', this.#hearParent);
  }

  readonly #hearParent = (): void => this.#hear('the parent process has gone');

  readonly #hear = (reason: StopReason): void => {
    const now = performance.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.#first.resolve(reason);
    } else if (now - this.#firstAt > 500) {
      this.#wereRepeated = true;
      this.#onSecond();
    }
  };
}
