/*
 * What metrics cost: `node bench/micro/metrics.ts`. The notices of workflows of five steps, told to nobody and to the metrics of
 * a node; by CPU time, for which neighbours on the machine do not count.
 */
import { WorkflowActor } from '#actors/actor.ts';
import type { WorkflowCommand } from '#actors/message.ts';
import { planOf } from '#actors/plan.ts';
import type { Work } from '#actors/work.ts';
import { type NoticeMap, Notices } from '#cluster/notices.ts';
import { NodeMetrics } from '#observe/node-metrics.ts';

import { orderProcessing } from '../../test/support/graphs.ts';

const { committed, ended } = noticesOfOne();
const workflows = 200_000;

for (const listens of [false, true, false, true]) {
  const notices = new Notices();
  const metrics = listens ? new NodeMetrics(notices, { version: 'bench' }) : null;
  tell(notices, workflows / 4);
  const began = process.cpuUsage();
  tell(notices, workflows);
  const { user, system } = process.cpuUsage(began);
  const each = ((user + system) / workflows).toFixed(2);
  console.log(`${metrics === null ? 'nobody ' : 'metrics'} ${each} µs of CPU for a workflow`);
}
function tell(notices: Notices, times: number): void {
  for (let told = 0; told < times; told += 1) {
    for (const notice of committed) notices.emit('batch.committed', { ...notice });
    for (const notice of ended) notices.emit('task.ended', { ...notice });
  }
}

/** What a node tells of one workflow. */
function noticesOfOne(): {
  readonly committed: readonly NoticeMap['batch.committed'][];
  readonly ended: readonly NoticeMap['task.ended'][];
} {
  const graph = orderProcessing();
  const { name, version } = graph;
  const actor = new WorkflowActor('w', planOf(graph));
  const told: NoticeMap['batch.committed'][] = [];
  const works: Work[] = [];
  const now = 1_700_000_000_000;
  const decide = (command: WorkflowCommand): void => {
    const context = { now, random: () => 0.5, place: () => 'here' };
    const { events, effects } = actor.handle({ id: `m${told.length}`, command }, context);
    for (const effect of effects) if (effect.type === 'execute') works.push(effect.work);
    const changes = new Map([[actor.id, { activation: { actor }, decided: events }]]);
    told.push({ shard: 1, lsn: told.length + 1, entries: 1, changes });
  };
  const outcome = { status: 'completed', output: {} } as const;
  decide({
    type: 'workflow.start',
    name,
    version,
    input: {},
    timeoutMs: null,
    onConflict: 'fail',
  });
  for (const { task: step, attempt } of works) {
    decide({ type: 'task.ended', step, attempt, node: 'here', startedAt: now, outcome });
  }
  const { status } = outcome;
  return {
    committed: told,
    ended: works.map((work) => ({ key: 'w', status, work, outcome, startedAt: now })),
  };
}
