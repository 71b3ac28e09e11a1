import { open, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Binary } from './binaries.ts';
import { DevError } from './dev-error.ts';
import type { RunningProgram, Warden } from './warden.ts';

// InnoDB's recovery of a large redo log on a slow disk takes its time.
const patienceMs = 60_000;

/** What the two kinds of private server have in common: what it takes to run one. */
export interface ServerProgram {
  readonly binary: Binary;
  readonly socket: string;
  /** The folder with all that it keeps. */
  readonly data: string;
  readonly log: string;
  readonly args: readonly string[];
  /** Creates what the server needs on disk; resolves to whether there was nothing before. */
  prepare(warden: Warden): Promise<boolean>;
  /** Whether it takes requests already. */
  answers(): Promise<boolean>;
  /** Once, when it answers. */
  settle(): Promise<void>;
}

/** Where a server's things are. */
export interface ServerPlaces {
  readonly dataDir: string;
  readonly socketDir: string;
  readonly flags: readonly string[];
}

export function logOf(dataDir: string, name: string): string {
  return join(dataDir, 'log', `${name}.log`);
}

/** Resolves to the first bytes that the server sends, or undefined when nobody listens yet. */
export async function firstAnswer(socket: string, question?: string): Promise<string | undefined> {
  const connection = createConnection({ path: socket });
  try {
    return await new Promise((resolve) => {
      connection.once('connect', () => {
        if (question !== undefined) connection.write(question);
      });
      connection.once('data', (data) => resolve(data.toString('latin1')));
      connection.once('error', () => resolve(undefined));
      connection.once('close', () => resolve(undefined));
      connection.setTimeout(1_000, () => resolve(undefined));
    });
  } finally {
    connection.destroy();
  }
}

/** Runs the server until it answers. The error of one that does not has the end of its log. */
export async function launch(
  program: Omit<ServerProgram, 'prepare'>,
  warden: Warden,
  onPid?: (pid: number) => Promise<void>,
): Promise<RunningProgram> {
  // A server that was killed leaves its socket, and MySQL's lock of it can name a pid that is another's by now.
  await rm(program.socket, { force: true });
  await rm(`${program.socket}.lock`, { force: true });
  const { path, product } = program.binary;
  const logStart = await sizeOf(program.log);
  const running = await warden.run({ command: path, args: program.args, log: program.log });
  await onPid?.(running.pid);
  let hasExited = false;
  void running.exit.then(() => (hasExited = true));
  const deadline = performance.now() + patienceMs;
  while (!(await program.answers())) {
    if (hasExited || performance.now() > deadline) {
      if (!hasExited) await running.end(1_000);
      throw new ServerStartError(
        `${product} (${path}) ${hasExited ? 'ended at once' : `does not answer after ${patienceMs / 1000} s`}`,
        program.log,
        await tail(program.log, logStart),
      );
    }
    await sleep(10);
  }
  try {
    await program.settle();
  } catch (error) {
    await running.end(1_000);
    throw error;
  }
  return running;
}

export class ServerStartError extends DevError {
  override readonly name = 'ServerStartError';
  override readonly code = 'SERVER_NOT_STARTED';

  constructor(what: string, log: string, lines: string) {
    super(
      `${what}. Its log ends with:\n${lines}\nThe whole log is in ${log}. ` +
        `To fix it, mend what the log says, or set the server's URL to one that runs already.`,
    );
  }
}

export async function sizeOf(file: string): Promise<number> {
  try {
    await using handle = await open(file);
    return (await handle.stat()).size;
  } catch {
    return 0;
  }
}

/** The last lines that a file got since it had the size. */
export async function tail(file: string, since = 0, lines = 12): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    const from = Math.max(since, size - 16_384);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.max(0, size - from)),
      0,
      null,
      from,
    );
    const text = buffer.subarray(0, bytesRead).toString().trimEnd();
    return text.split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}
