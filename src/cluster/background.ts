import type { Notices } from './notices.ts';

/**
 * Owns the promises that nobody awaits: what fails is told as a notice, and `settled` waits for those that still run.
 */
export class Background {
  readonly #notices: Notices;
  readonly #running = new Set<Promise<void>>();

  constructor(notices: Notices) {
    this.#notices = notices;
  }

  run(duty: string, work: () => Promise<unknown>): void {
    const running = (async () => {
      try {
        await work();
      } catch (error) {
        this.#notices.emit('duty.failed', { duty, error });
      }
    })();
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
