// The warden: a process that outlives its parent by the few moments that it takes to end everything the parent had started.
// It runs the programs it is ordered to run as its own children and guards process groups that the parent runs itself.
// V5  When the channel to the parent closes, for whatever reason, nothing of it is left running after 20 s, mostly after 0.1 s.
// V6  Guarded groups end before programs: they are the clients of the programs.
// It leads a session of its own, so that a Ctrl-C in the parent's terminal does not reach it or its children.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { ended, identify, type ProcessIdentity, signalGroup } from './processes.ts';
import { isOrder, type Order, type Program, type Report } from './warden-messages.ts';

const patienceMs = 10_000;

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}
const programs = new Map<number, Running>();
const guarded = new Map<number, ProcessIdentity>();
let ending = false;

process.on('message', (message) => {
  if (isOrder(message)) obey(message);
});
process.once('disconnect', () => void endAll());
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => void endAll());

function obey(order: Order): void {
  switch (order.type) {
    case 'run':
      return run(order.id, order.program);
    case 'end':
      programs.get(order.id)?.child.kill(order.signal);
      return;
    case 'guard': {
      const identity = identify(order.pid);
      if (identity) guarded.set(order.pid, identity);
      return;
    }
    case 'release':
      guarded.delete(order.pid);
      return;
  }
}

function run(id: number, { command, args, log }: Program): void {
  if (ending) return;
  try {
    const output = openSync(log, 'a', 0o600);
    const child = spawn(command, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    const exited = Promise.withResolvers<void>();
    child.once('error', (error) => {
      // Only a child that never ran: a signal that cannot be delivered ends up here, too.
      if (child.pid !== undefined) return;
      exited.resolve();
      programs.delete(id);
      report({ type: 'not-started', id, message: error.message });
    });
    child.once('exit', (code, signal) => {
      exited.resolve();
      programs.delete(id);
      report({ type: 'exited', id, code, signal });
    });
    programs.set(id, { child, exited: exited.promise });
    if (child.pid !== undefined) report({ type: 'started', id, pid: child.pid });
  } catch (error) {
    report({ type: 'not-started', id, message: String(error) });
  }
}

function report(message: Report): void {
  // The parent may be gone at any time; endAll follows then.
  if (process.connected) process.send?.(message, () => {});
}

async function endAll(): Promise<void> {
  if (ending) return;
  ending = true;
  await Promise.all([...guarded.values()].map(endGuarded));
  await Promise.all([...programs.values()].map(endProgram));
  process.exit(0);
}

async function endGuarded(leader: ProcessIdentity): Promise<void> {
  signalGroup(leader, 'SIGTERM');
  if (await ended(leader, patienceMs)) return;
  signalGroup(leader, 'SIGKILL');
}

async function endProgram({ child, exited }: Running): Promise<void> {
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exited;
  clearTimeout(hard);
}
