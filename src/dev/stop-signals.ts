const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * What the user asks for by Ctrl-C, `kill` or closing the terminal: the first time to stop in order, the second time to stop now.
 * Under `npm start` one Ctrl-C comes twice, from the terminal and from npm, so what follows at once is the same request.
 */
export class StopSignals implements Disposable {
  readonly requested: Promise<void>;
  readonly #onSecond: () => void;
  readonly #first = Promise.withResolvers<void>();
  #firstAt: number | undefined;
  #wereRepeated = false;

  constructor(onSecond: () => void) {
    this.requested = this.#first.promise;
    this.#onSecond = onSecond;
    for (const name of names) process.on(name, this.#hear);
  }

  get wereHeard(): boolean {
    return this.#firstAt !== undefined;
  }

  get wereRepeated(): boolean {
    return this.#wereRepeated;
  }

  [Symbol.dispose](): void {
    for (const name of names) process.off(name, this.#hear);
  }

  readonly #hear = (): void => {
    const now = performance.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.#first.resolve();
    } else if (now - this.#firstAt > 500) {
      this.#wereRepeated = true;
      this.#onSecond();
    }
  };
}
