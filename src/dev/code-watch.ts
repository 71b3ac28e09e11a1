import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Editors write in several steps, and a checkout of a branch writes many files. */
const restMs = 100;

/**
 * Watches files and tells which of them say something else than before, once they have come to rest. It watches their
 * folders, because many editors save by putting a new file into the place of the old one.
 */
export class CodeWatch implements Disposable {
  readonly #onChange: (files: readonly string[]) => void;
  readonly #folders = new Map<string, FSWatcher>();
  /** Each file with the hash of what it says; without one while that is read for the first time. */
  readonly #files = new Map<string, string | undefined>();
  readonly #touched = new Set<string>();
  #rest: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(onChange: (files: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  /** Resolves when it is watched. A file that is watched already stays as it is. */
  async add(file: string): Promise<void> {
    if (this.#files.has(file) || this.#isClosed) return;
    this.#files.set(file, undefined);
    this.#watchFolder(dirname(file));
    const hash = await hashOf(file);
    this.#files.set(file, hash);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#rest);
    for (const watcher of this.#folders.values()) watcher.close();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      const file = join(folder, name === null ? '' : basename(name));
      if (this.#files.has(file)) this.#touch(file);
    });
    // A folder that is removed takes its watch with it.
    watcher.on('error', () => watcher.close());
    this.#folders.set(folder, watcher);
  }

  #touch(file: string): void {
    this.#touched.add(file);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.#look(), restMs);
  }

  async #look(): Promise<void> {
    const touched = [...this.#touched];
    this.#touched.clear();
    const changed: string[] = [];
    for (const file of touched) {
      const hash = await hashOf(file);
      // One that is gone is being replaced, or nobody can load it.
      if (hash === undefined || hash === this.#files.get(file)) continue;
      this.#files.set(file, hash);
      changed.push(file);
    }
    if (changed.length > 0 && !this.#isClosed) this.#onChange(changed);
  }
}

async function hashOf(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return undefined;
  }
}
