import { relative } from 'node:path';

/** What the user of development mode sees: lines for people, or a JSON object a line for programs. */
export class Checklist {
  readonly #write: (line: string) => void;
  readonly #isJson: boolean;

  constructor(out: NodeJS.WritableStream, { json = false }: { readonly json?: boolean } = {}) {
    this.#write = (line) => out.write(`${line}\n`);
    this.#isJson = json;
    // A terminal that is closed, or a `| head`, must not keep us from stopping in order.
    out.on('error', () => {});
  }

  done(what: string, detail: string): void {
    this.#say({ type: 'done', what, detail }, `  ✔ ${what.padEnd(18)} ${detail}`);
  }

  /** Once: from now on the API answers. */
  ready(url: string): void {
    this.#say({ type: 'ready', url }, `TemJob is ready at ${url}`);
  }

  say(text: string): void {
    this.#say({ type: 'note', text }, text);
  }

  reload(text: string): void {
    this.#say({ type: 'reload', text }, `  ↻ ${text}`);
  }

  warn(text: string): void {
    this.#say({ type: 'warning', text }, `  ! ${text}`);
  }

  fail(text: string): void {
    this.#say({ type: 'failed', text }, `  ✘ ${text}`);
  }

  #say(fact: ChecklistFact, line: string): void {
    this.#write(this.#isJson ? JSON.stringify(fact) : line);
  }
}

/** A line of `temjob dev --json`. */
type ChecklistFact =
  | { readonly type: 'done'; readonly what: string; readonly detail: string }
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'note' | 'reload' | 'warning' | 'failed'; readonly text: string };

export function duration(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
