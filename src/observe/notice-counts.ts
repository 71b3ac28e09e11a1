import { type Actor, type ActorEvent, WorkflowActor } from '#actors/actor.ts';
import type { Outcome, Work } from '#actors/work.ts';
import type { NoticeMap, Notices } from '#cluster/notices.ts';

import { ByName } from './by-name.ts';
import type { Families } from './families.ts';
import { tallied } from './tallied.ts';
import { Tally, type TalliedHistogram } from './tally.ts';

/** So many names of workflows, of task types and of actor types are told apart. */
export const namesLimit = 100;

/**
 * Counts what a node tells of itself. What was committed is counted by the node that committed it, and what ran by the node
 * that ran it; so sums over all nodes are right. All of it is plain numbers, which prom-client is given when somebody asks.
 */
export class NoticeCounts {
  readonly #workflows = new ByName(namesLimit, workflowCounts);
  readonly #tasks = new ByName(namesLimit, taskCounts);
  readonly #actors = new ByName(namesLimit, actorCounts);
  readonly #duties = new ByName(namesLimit, () => ({ failures: 0 }));
  readonly #pools = new ByName(namesLimit, () => new Tally(tallied.dbQuery.bounds));
  readonly #commitEntries = new Tally(tallied.commitEntries.bounds);
  readonly #redisRtt = new Tally(tallied.redisRtt.bounds);
  readonly #checkpoints = new Tally(tallied.checkpoint.bounds);
  readonly #timerLag = new Tally(tallied.timerLag.bounds);
  readonly #members = { up: 0, down: 0 };
  readonly #shards = { claimed: 0, taken_over: 0, released: 0, fenced: 0 };
  #snapshots = 0;
  #faults = 0;

  listen(notices: Notices): void {
    notices.on('batch.committed', (notice) => this.#committed(notice));
    notices.on('task.ended', ({ work, outcome, startedAt }) => {
      this.#ended(work, outcome, startedAt);
    });
    notices.on('actor.faulted', () => {
      this.#faults += 1;
    });
    notices.on('timer.rang', ({ lateMs }) => this.#timerLag.add(lateMs / 1_000));
    notices.on('member.up', () => {
      this.#members.up += 1;
    });
    notices.on('member.down', () => {
      this.#members.down += 1;
    });
    notices.on('shards.claimed', ({ shards, taken }) => {
      this.#shards.claimed += shards.length - taken;
      this.#shards.taken_over += taken;
    });
    notices.on('shards.released', ({ shards }) => {
      this.#shards.released += shards.length;
    });
    notices.on('shard.fenced', () => {
      this.#shards.fenced += 1;
    });
    notices.on('redis.answered', ({ ms }) => this.#redisRtt.add(ms / 1_000));
    notices.on('mysql.answered', ({ pool, ms }) => this.#pools.of(pool).add(ms / 1_000));
    notices.on('checkpoint.written', ({ snapshots, ms }) => {
      this.#checkpoints.add(ms / 1_000);
      this.#snapshots += snapshots;
    });
    notices.on('duty.failed', ({ duty }) => {
      this.#duties.of(duty).failures += 1;
    });
  }

  /** Gives the totals to prom-client. */
  settle(to: Families): void {
    for (const family of [to.workflowsStarted, to.workflowsRetried, to.workflowsClosed])
      family.reset();
    for (const [workflow, { started, retried, closed }] of this.#workflows) {
      to.workflowsStarted.inc({ workflow }, started);
      to.workflowsRetried.inc({ workflow }, retried);
      for (const [outcome, n] of Object.entries(closed)) {
        to.workflowsClosed.inc({ workflow, outcome }, n);
      }
    }
    for (const family of [to.taskRetries, to.tasksLost, to.tasks, to.taskAttempts]) family.reset();
    for (const [task, { retried, lost, settled, attempts }] of this.#tasks) {
      to.taskRetries.inc({ task }, retried);
      to.tasksLost.inc({ task }, lost);
      for (const [outcome, n] of Object.entries(settled)) to.tasks.inc({ task, outcome }, n);
      for (const [outcome, n] of Object.entries(attempts))
        to.taskAttempts.inc({ task, outcome }, n);
    }
    for (const family of [to.actorTurns, to.actorQuarantines]) family.reset();
    for (const [actor, { turns, quarantined }] of this.#actors) {
      for (const [outcome, n] of Object.entries(turns)) to.actorTurns.inc({ actor, outcome }, n);
      to.actorQuarantines.inc({ actor }, quarantined);
    }
    for (const family of [to.membershipChanges, to.shardMoves]) family.reset();
    for (const [change, n] of Object.entries(this.#members))
      to.membershipChanges.inc({ change }, n);
    for (const [reason, n] of Object.entries(this.#shards)) to.shardMoves.inc({ reason }, n);
    for (const family of [to.actorFaults, to.checkpointSnapshots]) family.reset();
    to.actorFaults.inc(this.#faults);
    to.checkpointSnapshots.inc(this.#snapshots);
    to.dutyFailures.reset();
    for (const [duty, { failures }] of this.#duties) to.dutyFailures.inc({ duty }, failures);
  }

  histograms(): readonly TalliedHistogram[] {
    const workflows = [...this.#workflows];
    const tasks = [...this.#tasks];
    const actors = [...this.#actors];
    return [
      {
        ...tallied.workflowDuration,
        tallies: workflows.map(([name, { duration }]) => [[name], duration]),
      },
      { ...tallied.taskQueueWait, tallies: tasks.map(([name, { wait }]) => [[name], wait]) },
      { ...tallied.taskDuration, tallies: tasks.map(([name, { duration }]) => [[name], duration]) },
      { ...tallied.actorMailboxDepth, tallies: actors.map(([name, { depth }]) => [[name], depth]) },
      { ...tallied.actorTurn, tallies: actors.map(([name, { duration }]) => [[name], duration]) },
      { ...tallied.commitEntries, tallies: [[[], this.#commitEntries]] },
      { ...tallied.dbQuery, tallies: [...this.#pools].map(([pool, tally]) => [[pool], tally]) },
      { ...tallied.redisRtt, tallies: [[[], this.#redisRtt]] },
      { ...tallied.checkpoint, tallies: [[[], this.#checkpoints]] },
      { ...tallied.timerLag, tallies: [[[], this.#timerLag]] },
    ];
  }

  #committed({ entries, changes }: NoticeMap['batch.committed']): void {
    this.#commitEntries.add(entries);
    for (const { activation, decided } of changes.values()) {
      const { actor } = activation;
      if (actor instanceof WorkflowActor) {
        for (const event of decided) this.#happened(actor, event);
      } else {
        for (const event of decided) this.#happenedToUsers(actor, event);
      }
    }
  }

  #happened(actor: WorkflowActor, event: ActorEvent): void {
    const { type } = event;
    if (type === 'task.scheduled') {
      if (event.lost) this.#taskOf(actor, event.step).lost += 1;
    } else if (type === 'task.completed') {
      this.#taskOf(actor, event.step).settled.completed += 1;
    } else if (type === 'workflow.accepted') {
      this.#workflowOf(actor).started += 1;
    } else if (type === 'workflow.completed') {
      this.#closed(actor, 'completed', event.at);
    } else if (type === 'workflow.failed') {
      this.#closed(actor, 'failed', event.at);
    } else if (type === 'workflow.canceled') {
      this.#closed(actor, 'canceled', event.at);
    } else if (type === 'task.failed') {
      if (event.retryAt === null) this.#taskOf(actor, event.step).settled.failed += 1;
      else this.#taskOf(actor, event.step).retried += 1;
    } else if (type === 'task.skipped') {
      this.#taskOf(actor, event.step).settled.skipped += 1;
    } else if (type === 'task.canceled') {
      this.#taskOf(actor, event.step).settled.canceled += 1;
    } else if (type === 'workflow.retried') {
      this.#workflowOf(actor).retried += 1;
    }
  }

  #happenedToUsers({ id, state }: Actor, event: ActorEvent): void {
    // The id is the name, a slash and the key.
    if (event.type === 'turn.scheduled') {
      const waiting = state !== null && 'waiting' in state ? state.waiting.length : 0;
      this.#actors.of(id.slice(0, id.indexOf('/'))).depth.add(waiting);
    } else if (event.type === 'actor.quarantined') {
      this.#actors.of(id.slice(0, id.indexOf('/'))).quarantined += 1;
    }
  }

  #closed(actor: WorkflowActor, outcome: 'completed' | 'failed' | 'canceled', at: number): void {
    const counts = this.#workflowOf(actor);
    counts.closed[outcome] += 1;
    counts.duration.add(Math.max(0, at - (actor.state?.createdAt ?? at)) / 1_000);
  }

  #workflowOf({ plan }: WorkflowActor): WorkflowCounts {
    return this.#workflows.of(plan.graph.name);
  }

  #taskOf({ plan }: WorkflowActor, step: number): TaskCounts {
    return this.#tasks.of(plan.graph.steps[step]?.queue ?? '');
  }

  #ended(work: Work, outcome: Outcome, startedAt: number | null): void {
    const { job } = work;
    const status = outcomeOf(outcome);
    const seconds = startedAt === null ? null : Math.max(0, Date.now() - startedAt) / 1_000;
    if (job.kind === 'turn') {
      const counts = this.#actors.of(job.name);
      // A turn has no condition that could skip it.
      counts.turns[status === 'skipped' ? 'completed' : status] += 1;
      if (seconds !== null) counts.duration.add(seconds);
      return;
    }
    const counts = this.#tasks.of(work.queue);
    counts.attempts[status] += 1;
    if (startedAt === null || seconds === null) return;
    counts.duration.add(seconds);
    // What a node of an earlier version has put into a queue does not say when.
    if (work.scheduledAt > 0) counts.wait.add(Math.max(0, startedAt - work.scheduledAt) / 1_000);
  }
}

type WorkflowCounts = ReturnType<typeof workflowCounts>;
type TaskCounts = ReturnType<typeof taskCounts>;

function workflowCounts() {
  return {
    started: 0,
    retried: 0,
    closed: { completed: 0, failed: 0, canceled: 0 },
    duration: new Tally(tallied.workflowDuration.bounds),
  };
}

function taskCounts() {
  return {
    retried: 0,
    lost: 0,
    settled: { completed: 0, failed: 0, skipped: 0, canceled: 0 },
    attempts: { completed: 0, failed: 0, skipped: 0, canceled: 0, released: 0 },
    wait: new Tally(tallied.taskQueueWait.bounds),
    duration: new Tally(tallied.taskDuration.bounds),
  };
}

function actorCounts() {
  return {
    quarantined: 0,
    turns: { completed: 0, failed: 0, canceled: 0, released: 0 },
    depth: new Tally(tallied.actorMailboxDepth.bounds),
    duration: new Tally(tallied.actorTurn.bounds),
  };
}

function outcomeOf(outcome: Outcome): keyof TaskCounts['attempts'] {
  if (outcome.status === 'failed' && outcome.failure.kind === 'canceled') return 'canceled';
  return outcome.status === 'turned' ? 'completed' : outcome.status;
}
