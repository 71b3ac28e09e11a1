import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';

export interface LogFileOptions {
  readonly path: string;
  readonly maxSizeMb: number;
  /** Files that are kept besides the current one; 0 for all. */
  readonly maxBackups: number;
  /** 0 for ever. */
  readonly maxAgeDays: number;
}

export interface LogFile {
  write(line: string): void;
}

/** What pino-roll makes: a stream of sonic-boom. */
interface Rolled {
  write(line: string): boolean;
  /** Where it writes now. */
  readonly file: string;
  on(event: 'ready', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

// It has no declarations.
const roll: (options: { file: string; size: string; sync: boolean }) => Promise<Rolled> =
  createRequire(import.meta.url)('pino-roll');

/**
 * A log that begins a new file when one is full: `logs/temjob.log` is a link to the newest of `logs/temjob.1.log`,
 * `temjob.2.log` and so on, so that `tail -F` follows it. Each node needs a path of its own.
 */
export async function openLogFile(options: LogFileOptions): Promise<LogFile> {
  const path = resolve(options.path);
  mkdirSync(dirname(path), { recursive: true });
  keepFileOfOthers(path);
  const stream = await roll({ file: path, size: `${options.maxSizeMb}m`, sync: true });
  let isBroken = false;
  // There is no log to tell it to; and a disk that is full is no reason to stop the work.
  const complain = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error);
    if (!isBroken) process.stderr.write(`The log at ${path} is not as it should be: ${why}\n`);
    isBroken = true;
  };
  const tidy = (): void => {
    pointTo(stream.file, path);
    for (const old of outdated(path, options)) rmSync(old, { force: true });
  };
  tidy();
  stream.on('error', complain);
  stream.on('ready', () => {
    try {
      tidy();
      isBroken = false;
    } catch (error) {
      complain(error);
    }
  });
  return { write: (line) => void stream.write(line) };
}

interface Numbered {
  readonly path: string;
  readonly number: number;
}

/** The files of this log, newest first. */
function filesOf(path: string): readonly Numbered[] {
  // As pino-roll makes their names: the number comes before the last part.
  const end = extname(path) || '.log';
  const start = `${basename(path, extname(path))}.`;
  return readdirSync(dirname(path))
    .flatMap((name) => {
      const number =
        name.startsWith(start) && name.endsWith(end) ? name.slice(start.length, -end.length) : '';
      return /^\d+$/.test(number)
        ? [{ path: join(dirname(path), name), number: Number(number) }]
        : [];
    })
    .toSorted((a, b) => b.number - a.number);
}

function outdated(path: string, { maxBackups, maxAgeDays }: LogFileOptions): readonly string[] {
  const [, ...backups] = filesOf(path);
  const oldest = maxAgeDays === 0 ? 0 : Date.now() - maxAgeDays * 24 * 3_600_000;
  return backups
    .filter((one, index) => {
      const isTooMany = maxBackups > 0 && index >= maxBackups;
      return isTooMany || statSync(one.path).mtimeMs < oldest;
    })
    .map((one) => one.path);
}

/** A file from before there was rotation becomes the first of the numbered ones. */
function keepFileOfOthers(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return;
  const number = (filesOf(path)[0]?.number ?? 0) + 1;
  const end = extname(path);
  renameSync(path, `${path.slice(0, path.length - end.length)}.${number}${end || '.log'}`);
}

/** In one step: whoever opens the link meanwhile finds the old file or the new one. */
function pointTo(file: string, link: string): void {
  const target = basename(file);
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true && readlinkSync(link) === target) return;
  const next = `${link}.next`;
  rmSync(next, { force: true });
  symlinkSync(target, next);
  renameSync(next, link);
}
