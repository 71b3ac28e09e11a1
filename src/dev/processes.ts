import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One process for good: a pid alone is given to another process sooner or later. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** The process that has this pid now, or undefined when none runs under it. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends the signal unless the process is gone or its pid belongs to another one by now. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (isRunning(identity)) kill(identity.pid, name);
}

/** The same for everything in the group which the process leads. */
export function signalGroup(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (isRunning(identity)) kill(-identity.pid, name);
}

/** Resolves to whether the process has ended within the time. */
export async function ended(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    // Not a child of ours, so there is no event to wait for.
    await sleep(15);
  }
  return true;
}

/** SIGTERM, and SIGKILL for one that has not ended within the time. */
export async function end(identity: ProcessIdentity, patienceMs: number): Promise<void> {
  signal(identity, 'SIGTERM');
  if (await ended(identity, patienceMs)) return;
  signal(identity, 'SIGKILL');
  await ended(identity, patienceMs);
}

export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string'
  );
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function startOnLinux(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command name is in parentheses and may hold spaces, so the fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended: it only waits for its parent, and in a container that may be for ever.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Ticks since boot, so the boot belongs to it.
  return `${bootId()}:${fields[19]}`;
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return boot;
}

function startByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state, ...start] = line.split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z')
      ? undefined
      : start.join(' ');
  } catch {
    // ps says by its exit code that there is no such process.
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
