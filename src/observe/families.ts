import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/**
 * Every metric of TemJob but the tallied ones below, by what it is about; docs/metrics.md is made from this (`npm run docs:metrics`). The units are the
 * base ones, and no label holds an id.
 */
export function familiesOf(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `temjob_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `temjob_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    buckets: readonly number[],
    help: string,
    labelNames: Label[] = [],
  ) =>
    new Histogram({ name: `temjob_${name}`, help, labelNames, registers, buckets: [...buckets] });

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

    dbQuery: histogram(
      'db_query_seconds',
      [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      'Uses of a MySQL connection; pool: commit (one journal statement), query, checkpoint.',
      ['pool'],
    ),
    dbPoolInUse: gauge('db_pool_in_use', 'MySQL connections that are in use.', ['pool']),
    dbPoolWaiting: gauge('db_pool_waiting', 'Callers that wait for a MySQL connection.', ['pool']),
    dbPoolSize: gauge('db_pool_size', 'MySQL connections that there may be.', ['pool']),
    redisRtt: histogram(
      'redis_rtt_seconds',
      [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      'Round trips of the heartbeat in Redis, twice a second.',
    ),
    serverUp: gauge('server_up', '1 while a server answers this node; server: mysql, redis.', [
      'server',
    ]),
    checkpoint: histogram(
      'checkpoint_seconds',
      [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 10],
      'Rounds of writing snapshots and history.',
    ),
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
    timerLag: histogram(
      'timer_lag_seconds',
      [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      'How much later than asked for an actor was woken.',
    ),

    uiSockets: gauge('ui_sockets', 'Pages that are connected to this node.'),
    uiTopics: gauge('ui_topics', 'Topics that somebody watches through this node.'),
    uiResyncs: counter(
      'ui_resyncs_total',
      'Times that a page needed the whole of a topic again; reason: gap, overflow, epoch.',
      ['reason'],
    ),
    httpRequest: histogram(
      'http_request_duration_seconds',
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      'Requests to the door; route: its pattern. Waiting for a result counts.',
      ['method', 'route', 'status'],
    ),

    buildInfo: gauge('build_info', 'Always 1; the labels say what runs.', [
      'version',
      'node_version',
    ]),
  };
}

export type Families = ReturnType<typeof familiesOf>;

/** The histograms that are added to with every workflow and task, see Tally. */
export const tallied = {
  workflowDuration: {
    name: 'temjob_workflow_duration_seconds',
    help: 'From the acceptance of a workflow to its end, or to each of its ends.',
    labels: ['workflow'],
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400],
  },
  taskQueueWait: {
    name: 'temjob_task_queue_wait_seconds',
    help: 'From the hand-out of an attempt by its owner to its beginning on this node; between two nodes, by both their clocks.',
    labels: ['task'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800],
  },
  taskDuration: {
    name: 'temjob_task_duration_seconds',
    help: 'From the beginning of an attempt on this node to its end.',
    labels: ['task'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800],
  },
  actorMailboxDepth: {
    name: 'temjob_actor_mailbox_depth',
    help: "Messages that an actor of the user's own had waiting when a turn of it was handed out.",
    labels: ['actor'],
    bounds: [1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000],
  },
  actorTurn: {
    name: 'temjob_actor_turn_seconds',
    help: "From the beginning of a turn of an actor of the user's own on this node to its end.",
    labels: ['actor'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  },
  commitEntries: {
    name: 'temjob_commit_entries',
    help: 'Actors in one committed batch of a shard.',
    labels: [],
    bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  },
} as const;
