import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** A registry as prom-client has it, for one node. What is counted before it is opened is given to it later. */
export function openRegistry({ version }: { readonly version: string }): {
  readonly registry: Registry;
  readonly families: Families;
} {
  const registry = new Registry();
  const families = familiesOf(registry);
  // By their usual names, so that any dashboard for Node.js shows them.
  collectDefaultMetrics({ register: registry });
  families.buildInfo.set({ version, node_version: process.versions.node }, 1);
  return { registry, families };
}

/** Every counter and gauge of TemJob, by what it is about. The units are the base ones, and no label holds an id. */
function familiesOf(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `temjob_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `temjob_${name}`, help, labelNames, registers });

  return {
    workflowsStarted: counter(
      'workflows_started_total',
      'Workflows whose start was committed by this node.',
      ['workflow'],
    ),
    workflowsClosed: counter(
      'workflows_closed_total',
      'Workflows whose end was committed by this node; outcome: completed, failed, canceled.',
      ['workflow', 'outcome'],
    ),
    workflowsRetried: counter(
      'workflows_retried_total',
      'Failed workflows that were opened again; each of them closes once more.',
      ['workflow'],
    ),

    tasks: counter(
      'tasks_total',
      'Tasks that have ended for good, by the decision of this node; outcome: completed, failed, skipped, canceled.',
      ['task', 'outcome'],
    ),
    taskRetries: counter(
      'task_retries_total',
      'Failed attempts after which this node decided to try again.',
      ['task'],
    ),
    tasksLost: counter(
      'tasks_lost_total',
      'Attempts that this node handed out again because the node that had them was gone.',
      ['task'],
    ),
    taskAttempts: counter(
      'task_attempts_total',
      'Attempts that have ended on this node; outcome: completed, failed, skipped, canceled, released (handed back).',
      ['task', 'outcome'],
    ),
    tasksRunning: gauge('tasks_running', 'Attempts and turns that run on this node.'),
    tasksWaiting: gauge(
      'tasks_waiting',
      'Attempts and turns in the hands of this node that wait for room.',
    ),

    queueBacklog: gauge(
      'queue_backlog',
      'Tasks in the queue of their type that no node has taken. The same on every node.',
      ['queue'],
    ),
    queueLeased: gauge(
      'queue_leased',
      'Tasks of a queue that some node has taken. The same on every node.',
      ['queue'],
    ),
    queueOldestAge: gauge(
      'queue_oldest_age_seconds',
      'How long the task that waits longest in a queue has waited. The same on every node.',
      ['queue'],
    ),

    actors: gauge('actors', 'Actors in the memory of this node; type: workflow, actor.', ['type']),
    actorActivations: counter(
      'actor_activations_total',
      'Actors that came into the memory of this node: new, loaded, or taken over.',
    ),
    actorTurns: counter(
      'actor_turns_total',
      "Turns of actors of the user's own that ended on this node; outcome: completed, failed, canceled, released.",
      ['actor', 'outcome'],
    ),
    actorQuarantines: counter(
      'actor_quarantines_total',
      "Actors of the user's own that were set aside because they failed too often.",
      ['actor'],
    ),
    actorFaults: counter(
      'actor_faults_total',
      'Decisions that threw, which is a bug of TemJob; the log has them.',
    ),

    shards: gauge('shards', 'Shards that this node owns.'),
    shardMoves: counter(
      'shard_moves_total',
      'Shards that came or went; reason: claimed (they had no owner), taken_over (their owner was gone), released (handed over), fenced (another node had them).',
      ['reason'],
    ),
    clusterMembers: gauge(
      'cluster_members',
      'Nodes as this one sees them; state: up, draining, suspect, down.',
      ['state'],
    ),
    membershipChanges: counter(
      'membership_changes_total',
      'Nodes that came up or went down, as this one saw it; change: up, down.',
      ['change'],
    ),
    nodeDraining: gauge('node_draining', '1 while this node hands over its work.'),

    dbPoolInUse: gauge('db_pool_in_use', 'MySQL connections that are in use.', ['pool']),
    dbPoolWaiting: gauge('db_pool_waiting', 'Callers that wait for a MySQL connection.', ['pool']),
    dbPoolSize: gauge('db_pool_size', 'MySQL connections that there may be.', ['pool']),
    serverUp: gauge('server_up', '1 while a server answers this node; server: mysql, redis.', [
      'server',
    ]),
    checkpointSnapshots: counter('checkpoint_snapshots_total', 'Snapshots that were written.'),
    dutyFailures: counter(
      'duty_failures_total',
      'Duties of this node that failed and are tried again; the log has them.',
      ['duty'],
    ),

    threadPoolUtilization: gauge(
      'thread_pool_utilization_ratio',
      'Attempts that run, as a part of those that may; pool: shared, isolated, inline (the main thread).',
      ['pool'],
    ),
    threadPoolThreads: gauge('thread_pool_threads', 'Threads that are open.', ['pool']),
    threadPoolWaiting: gauge('thread_pool_waiting', 'Attempts that wait for a thread.', ['pool']),

    timersPending: gauge('timers_pending', 'Actors in memory that want to be woken.'),

    uiSockets: gauge('ui_sockets', 'Pages that are connected to this node.'),
    uiTopics: gauge('ui_topics', 'Topics that somebody watches through this node.'),
    uiResyncs: counter(
      'ui_resyncs_total',
      'Times that a page needed the whole of a topic again; reason: gap, overflow, epoch.',
      ['reason'],
    ),

    buildInfo: gauge('build_info', 'Always 1; the labels say what runs.', [
      'version',
      'node_version',
    ]),
  };
}

export type Families = ReturnType<typeof familiesOf>;
