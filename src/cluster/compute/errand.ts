import type { LogLine, Outcome, Progress, Work } from '#actors/work.ts';

import type { Prepared } from './run-work.ts';

/** One `run()`: a work on its way through the backlog, a thread (or several, when one dies under it), to its outcome. */
export class Errand {
  readonly work: Work;
  /** Set when `when` and `map` were evaluated on the main thread. */
  prepared: Prepared | undefined;
  /** When it began where it runs now; null until that is known. */
  startedAt: number | null = null;
  abortReason: string | null = null;
  /** It has its outcome: whatever else is heard of it is ignored. */
  ended = false;
  /** Who has it now and can stop it. */
  place: Place | null = null;
  /** Ends the grace period after an abort. */
  grace: NodeJS.Timeout | null = null;

  constructor(work: Work) {
    this.work = work;
  }
}

/** Somewhere that errands run. */
export interface Place {
  add(errand: Errand): void;
  /** Asks a running one to stop; `abortReason` is set. */
  abort(errand: Errand): void;
  /** Those that have not begun, which now never will here. */
  release(): Errand[];
  /** Those that have begun. */
  readonly running: readonly Errand[];
  readonly queued: number;
  readonly busy: number;
}

/** Who hears what becomes of errands. */
export interface ErrandOwner {
  begun(errand: Errand, at: number): void;
  progressed(errand: Errand, progress: Progress): void;
  logged(errand: Errand, line: LogLine): void;
  finished(errand: Errand, outcome: Outcome): void;
  /** Its thread died and it may be to blame: it has to be tried where it can hurt itself alone. */
  suspected(errand: Errand): void;
  warn(message: string): void;
}
