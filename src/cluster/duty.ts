import type { Notices } from './notices.ts';

/**
 * Something a node does again and again: one run at a time, the next a while after the last ended, or at once when nudged.
 * May be stopped twice, and before it was started.
 */
export class Duty {
  readonly #name: string;
  readonly #everyMs: number;
  readonly #runOnce: () => Promise<void>;
  readonly #notices: Notices;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = true;

  constructor(name: string, everyMs: number, notices: Notices, runOnce: () => Promise<void>) {
    this.#name = name;
    this.#everyMs = everyMs;
    this.#notices = notices;
    this.#runOnce = runOnce;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.nudge();
  }

  /** Runs now, or once more when it is running. */
  nudge(): void {
    if (this.#stopped) return;
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    this.#arm(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#running;
  }

  #arm(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#running = this.#run();
    }, ms);
  }

  async #run(): Promise<void> {
    try {
      await this.#runOnce();
    } catch (error) {
      this.#notices.emit('duty.failed', { duty: this.#name, error });
    } finally {
      this.#running = null;
      const ms = this.#again ? 0 : this.#everyMs;
      this.#again = false;
      if (!this.#stopped) this.#arm(ms);
    }
  }
}
