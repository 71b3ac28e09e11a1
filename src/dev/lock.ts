import assert from 'node:assert';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { DevError } from './dev-error.ts';
import { identify, isProcessIdentity, isRunning, type ProcessIdentity } from './processes.ts';

/**
 * The right to use a data directory. It ends with `release()` or with the process, however that ends.
 *
 * Everyone who wants it first shows a file of his own and then looks at those of the others, so of two who come at once
 * at least one sees the other: never do both hold it. A file names its process by pid and start time, so that of a dead
 * process is recognised, and removing it can never hit somebody else's.
 */
export class DirectoryLock implements AsyncDisposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static async take(directory: string): Promise<DirectoryLock> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (let attempt = 1; ; attempt += 1) {
      const answer = await claim(directory);
      if (answer.type === 'held') return new DirectoryLock(answer.file);
      // A holder stays; two who came at once have both stepped back.
      if (answer.by.isHolder || attempt === 10) {
        throw new DirectoryInUseError(directory, answer.by.identity.pid);
      }
      await sleep(5 + Math.random() * 20 * attempt);
    }
  }

  async release(): Promise<void> {
    await removeClaim(this.#file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

export class DirectoryInUseError extends DevError {
  override readonly name = 'DirectoryInUseError';
  override readonly code = 'DATA_DIR_IN_USE';
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(
      `the data directory ${directory} is in use by TemJob process ${pid}. ` +
        `Two at once would write into the same database files. ` +
        `To fix it, stop that one (Ctrl-C in its terminal, or: kill ${pid}), ` +
        `or start this one on a data directory of its own.`,
    );
    this.pid = pid;
  }
}

interface Claim {
  readonly identity: ProcessIdentity;
  readonly isHolder: boolean;
}
type Answer =
  | { readonly type: 'held'; readonly file: string }
  | { readonly type: 'refused'; readonly by: Claim };

async function claim(directory: string): Promise<Answer> {
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const file = join(directory, `lock.${id}`);
  const identity = identify(process.pid);
  assert(identity, 'this process is running');
  // Under its name only when it is complete: a reader never sees half a claim.
  const draft = join(directory, `draft.${id}`);
  await writeFile(draft, JSON.stringify(identity), { mode: 0o600 });
  await rename(draft, file);
  const by = await claimOfAnother(directory, file);
  if (by) {
    await removeClaim(file);
    return { type: 'refused', by };
  }
  // A second file, rather than a new name for the first: a listing may miss what is renamed while it is made.
  await writeFile(`${file}.held`, '', { mode: 0o600 });
  return { type: 'held', file };
}

async function claimOfAnother(directory: string, own: string): Promise<Claim | undefined> {
  const entries = new Set(await readdir(directory));
  let found: Claim | undefined;
  for (const entry of entries) {
    const file = join(directory, entry);
    if (!/^lock\.[^.]+$/.test(entry) || file === own) continue;
    const identity = await readIdentity(file);
    if (identity === undefined || !isRunning(identity)) await removeClaim(file);
    else if (!found?.isHolder) found = { identity, isHolder: entries.has(`${entry}.held`) };
  }
  return found;
}

async function removeClaim(file: string): Promise<void> {
  await rm(`${file}.held`, { force: true });
  await rm(file, { force: true });
}

async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isProcessIdentity(value) ? value : undefined;
  } catch (error) {
    // Released since the listing, or torn by a crash of the machine: either way nobody holds it.
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isGone || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
