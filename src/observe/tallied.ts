/** Every histogram of TemJob. The units are the base ones, and no label holds an id. */
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
  dbQuery: {
    name: 'temjob_db_query_seconds',
    help: 'Uses of a MySQL connection; pool: commit (one journal statement), query, checkpoint.',
    labels: ['pool'],
    bounds: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  redisRtt: {
    name: 'temjob_redis_rtt_seconds',
    help: 'Round trips of the heartbeat in Redis, twice a second.',
    labels: [],
    bounds: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  checkpoint: {
    name: 'temjob_checkpoint_seconds',
    help: 'Rounds of writing snapshots and history.',
    labels: [],
    bounds: [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 10],
  },
  timerLag: {
    name: 'temjob_timer_lag_seconds',
    help: 'How much later than asked for an actor was woken.',
    labels: [],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  },
  httpRequest: {
    name: 'temjob_http_request_duration_seconds',
    help: 'Requests to the door; route: its pattern. Waiting for a result counts.',
    labels: ['method', 'route', 'status'],
    bounds: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
} as const;
