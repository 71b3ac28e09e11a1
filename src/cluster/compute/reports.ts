import type { TaskLog } from '#actors/definition.ts';
import type { LogLine, Progress } from '#actors/work.ts';

/** What one attempt tells about itself while it runs, kept within bounds. */
export class Reports {
  readonly #out: ReportsOut;
  #lines = 0;
  #saidCut = false;
  #closed = false;
  #toldAt = -Infinity;
  #pending: Progress | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(out: ReportsOut) {
    this.#out = out;
  }

  readonly log: TaskLog = {
    debug: (message) => this.#log('debug', message),
    info: (message) => this.#log('info', message),
    warn: (message) => this.#log('warn', message),
    error: (message) => this.#log('error', message),
  };

  /** Fields of reports that come too close together are merged; the newest of each is told. */
  progress(progress: Progress): void {
    if (this.#closed) return;
    this.#pending = { ...this.#pending, ...progress };
    const wait = this.#toldAt + progressEveryMs - performance.now();
    if (wait <= 0) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), wait);
  }

  /** Tells what is pending; nothing is told after. */
  close(): void {
    if (this.#pending !== null) this.#tell();
    this.#closed = true;
  }

  #tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const progress = this.#pending;
    this.#pending = null;
    this.#toldAt = performance.now();
    if (progress !== null) this.#out.progressed(progress);
  }

  #log(level: LogLine['level'], message: unknown): void {
    if (this.#closed || this.#lines >= lineLimit) return;
    const text = typeof message === 'string' ? message : String(message);
    if (this.#lines === lineLimit - 1) {
      this.#say('warn', `Only ${lineLimit} lines of an attempt are kept: what follows is dropped.`);
      return;
    }
    const fits = text.length * 3 <= lineBytes || Buffer.byteLength(text) <= lineBytes;
    this.#say(level, fits ? text : `${cut(text)}…`);
    if (fits || this.#saidCut || this.#lines >= lineLimit - 1) return;
    this.#saidCut = true;
    this.#say('warn', `Lines longer than ${lineBytes} bytes are cut.`);
  }

  #say(level: LogLine['level'], message: string): void {
    this.#lines += 1;
    this.#out.logged({ at: Date.now(), level, message });
  }
}

export interface ReportsOut {
  progressed(progress: Progress): void;
  logged(line: LogLine): void;
}

const progressEveryMs = 100;
const lineLimit = 1000;
const lineBytes = 2048;

/** The first bytes of a text, leaving room for the sign that something was cut, without half a character at the end. */
function cut(text: string): string {
  const bytes = Buffer.from(text.slice(0, lineBytes)).subarray(0, lineBytes - 3);
  return bytes.toString('utf8').replace(/\uFFFD$/, '');
}
