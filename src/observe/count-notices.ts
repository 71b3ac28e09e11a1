import { type Actor, type ActorEvent, WorkflowActor } from '#actors/actor.ts';
import type { Outcome, Work } from '#actors/work.ts';
import type { NoticeMap, Notices } from '#cluster/notices.ts';

import { BoundedLabel } from './bounded-label.ts';
import type { Families } from './families.ts';

/** So many names of workflows, of task types and of actor types are told apart. */
export const namesLimit = 100;

/**
 * Counts what a node tells of itself. What was committed is counted by the node that committed it, and what ran by the node
 * that ran it; so sums over all nodes are right.
 */
export class NoticeCounter {
  readonly #families: Families;
  readonly #workflows = new BoundedLabel(namesLimit);
  readonly #tasks = new BoundedLabel(namesLimit);
  readonly #actors = new BoundedLabel(namesLimit);
  readonly #duties = new BoundedLabel(namesLimit);

  constructor(families: Families) {
    this.#families = families;
  }

  listen(notices: Notices): void {
    const count = this.#families;
    notices.on('batch.committed', (notice) => this.#committed(notice));
    notices.on('task.ended', ({ work, outcome, startedAt }) => {
      this.#ended(work, outcome, startedAt);
    });
    notices.on('actor.faulted', () => count.actorFaults.inc());
    notices.on('timer.rang', ({ lateMs }) => count.timerLag.observe(lateMs / 1_000));
    notices.on('member.up', () => count.membershipChanges.inc({ change: 'up' }));
    notices.on('member.down', () => count.membershipChanges.inc({ change: 'down' }));
    notices.on('shards.claimed', ({ shards, taken }) => {
      count.shardMoves.inc({ reason: 'claimed' }, shards.length - taken);
      count.shardMoves.inc({ reason: 'taken_over' }, taken);
    });
    notices.on('shards.released', ({ shards }) => {
      count.shardMoves.inc({ reason: 'released' }, shards.length);
    });
    notices.on('shard.fenced', () => count.shardMoves.inc({ reason: 'fenced' }));
    notices.on('redis.answered', ({ ms }) => count.redisRtt.observe(ms / 1_000));
    notices.on('mysql.answered', ({ pool, ms }) => count.dbQuery.observe({ pool }, ms / 1_000));
    notices.on('checkpoint.written', ({ snapshots, ms }) => {
      count.checkpoint.observe(ms / 1_000);
      count.checkpointSnapshots.inc(snapshots);
    });
    notices.on('duty.failed', ({ duty }) => {
      count.dutyFailures.inc({ duty: this.#duties.of(duty) });
    });
  }

  #committed({ entries, changes }: NoticeMap['batch.committed']): void {
    this.#families.commitEntries.observe(entries);
    for (const { activation, decided } of changes.values()) {
      const { actor } = activation;
      for (const event of decided) {
        if (actor instanceof WorkflowActor) this.#happened(actor, event);
        else this.#happenedToUsers(actor, event);
      }
    }
  }

  #happened(actor: WorkflowActor, event: ActorEvent): void {
    const count = this.#families;
    const { type } = event;
    if (type === 'workflow.accepted') {
      count.workflowsStarted.inc({ workflow: this.#nameOf(actor) });
    } else if (type === 'workflow.retried') {
      count.workflowsRetried.inc({ workflow: this.#nameOf(actor) });
    } else if (type === 'workflow.completed') {
      this.#closed(actor, 'completed', event.at);
    } else if (type === 'workflow.failed') {
      this.#closed(actor, 'failed', event.at);
    } else if (type === 'workflow.canceled') {
      this.#closed(actor, 'canceled', event.at);
    } else if (type === 'task.completed') {
      this.#settled(actor, event.step, 'completed');
    } else if (type === 'task.skipped') {
      this.#settled(actor, event.step, 'skipped');
    } else if (type === 'task.canceled') {
      this.#settled(actor, event.step, 'canceled');
    } else if (type === 'task.failed') {
      if (event.retryAt === null) this.#settled(actor, event.step, 'failed');
      else count.taskRetries.inc({ task: this.#taskOf(actor, event.step) });
    } else if (type === 'task.scheduled' && event.lost) {
      count.tasksLost.inc({ task: this.#taskOf(actor, event.step) });
    }
  }

  #happenedToUsers(actor: Actor, event: ActorEvent): void {
    // The name comes before the slash of an id; what belongs to the actor may be ahead, but its name does not change.
    const name = (): string => this.#actors.of(actor.id.slice(0, actor.id.indexOf('/')));
    if (event.type === 'turn.scheduled') {
      const waiting = actor.state !== null && 'waiting' in actor.state ? actor.state.waiting : [];
      this.#families.actorMailboxDepth.observe({ actor: name() }, waiting.length);
    } else if (event.type === 'actor.quarantined') {
      this.#families.actorQuarantines.inc({ actor: name() });
    }
  }

  #closed(actor: WorkflowActor, outcome: string, at: number): void {
    const workflow = this.#nameOf(actor);
    this.#families.workflowsClosed.inc({ workflow, outcome });
    const seconds = Math.max(0, at - (actor.state?.createdAt ?? at)) / 1_000;
    this.#families.workflowDuration.observe({ workflow }, seconds);
  }

  #settled(actor: WorkflowActor, step: number, outcome: string): void {
    this.#families.tasks.inc({ task: this.#taskOf(actor, step), outcome });
  }

  #nameOf({ plan }: WorkflowActor): string {
    return this.#workflows.of(plan.graph.name);
  }

  #taskOf({ plan }: WorkflowActor, step: number): string {
    return this.#tasks.of(plan.graph.steps[step]?.queue ?? '');
  }

  #ended(work: Work, outcome: Outcome, startedAt: number | null): void {
    const count = this.#families;
    const seconds = startedAt === null ? null : Math.max(0, Date.now() - startedAt) / 1_000;
    if (work.job.kind === 'turn') {
      const actor = this.#actors.of(work.job.name);
      count.actorTurns.inc({ actor, outcome: outcomeOf(outcome) });
      if (seconds !== null) count.actorTurn.observe({ actor }, seconds);
      return;
    }
    const task = this.#tasks.of(work.queue);
    count.taskAttempts.inc({ task, outcome: outcomeOf(outcome) });
    if (startedAt === null || seconds === null) return;
    count.taskDuration.observe({ task }, seconds);
    // What a node of an earlier version has put into a queue does not say when.
    if (work.scheduledAt > 0) {
      count.taskQueueWait.observe({ task }, Math.max(0, startedAt - work.scheduledAt) / 1_000);
    }
  }
}

function outcomeOf(outcome: Outcome): string {
  if (outcome.status === 'failed' && outcome.failure.kind === 'canceled') return 'canceled';
  return outcome.status === 'turned' ? 'completed' : outcome.status;
}
