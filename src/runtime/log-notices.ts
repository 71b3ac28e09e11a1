import type { Logger } from 'pino';

import { parseActorId, shardOf, taskId } from '#actors/ids.ts';
import type { Notices } from '#cluster/notices.ts';

/**
 * Writes down what happens inside a node. What a line is about always has the same name: `workflow_id`, `task_id`, `shard`
 * (of `shards`), `actor` for one of the user's own, `member` for another node; `node` is the one that writes.
 */
export function logNotices(notices: Notices, log: Logger, shards: number): void {
  const about = (id: string) => ({
    ...(parseActorId(id) === null ? { workflow_id: id } : { actor: id }),
    shard: shardOf(id, shards),
  });
  notices.on('node.ready', ({ node }) => log.info({ node_id: node }, 'the node serves'));
  notices.on('node.draining', ({ node }) => log.info({ node_id: node }, 'the node drains'));
  notices.on('node.stopped', ({ node }) => log.info({ node_id: node }, 'the node has stopped'));
  notices.on('member.up', ({ node }) => log.info({ member: node }, 'a node is up'));
  notices.on('member.down', ({ node, silentMs }) =>
    log.warn({ member: node, silent_ms: Math.round(silentMs) }, 'a node is down'),
  );
  notices.on('member.replaced', ({ by }) =>
    log.error(
      { member: by },
      'another node was started under the name of this one, which counts as gone for the others: give each node a name of its own (node.name, or TEMJOB__NODE__NAME)',
    ),
  );
  notices.on('shards.claimed', ({ shards: claimed, from }) =>
    log.info({ shards: claimed.length, from }, 'claimed shards'),
  );
  notices.on('shards.released', ({ shards: released }) =>
    log.info({ shards: released.length }, 'let shards go'),
  );
  notices.on('shard.fenced', ({ shard, epoch }) =>
    log.warn({ shard, epoch }, 'another node has the shard'),
  );
  notices.on('actor.faulted', ({ id, error, parked }) =>
    log.error({ ...about(id), err: error, parked }, 'a decision threw'),
  );
  notices.on('redis.down', () => log.warn('Redis does not answer'));
  notices.on('redis.up', ({ dataMayBeLost }) =>
    log.info({ data_may_be_lost: dataMayBeLost }, 'Redis answers again'),
  );
  notices.on('mysql.down', ({ error }) =>
    log.warn({ err: error }, 'MySQL does not answer; nothing is acknowledged until it does'),
  );
  notices.on('mysql.up', () => log.info('MySQL answers again'));
  notices.on('duty.failed', ({ duty, error }) =>
    log.warn({ duty, err: error }, 'failed, and is tried again'),
  );
  notices.on('code.warning', ({ message }) => log.warn(message));
  notices.on('task.ended', ({ key, work, outcome }) => {
    if (outcome.status !== 'failed') return;
    const { name, message } = outcome.failure;
    const step = work.job.kind === 'task' ? { step: work.job.step } : {};
    log.info(
      { ...aboutDelivery(key, about), ...step, error: `${name}: ${message}`.slice(0, 500) },
      'an attempt has failed',
    );
  });
  // Many thousands a second, so not even looked at when nobody reads them.
  if (!log.isLevelEnabled('debug')) return;
  notices.on('workflow.ended', ({ id, name, state }) =>
    log.debug({ ...about(id), name, state }, 'a workflow has ended'),
  );
  notices.on('task.started', ({ key }) => log.debug(aboutDelivery(key, about), 'a task runs'));
  notices.on('task.ended', ({ key, status }) => {
    if (status !== 'failed')
      log.debug({ ...aboutDelivery(key, about), status }, 'a task has ended');
  });
}

/** A delivery's key is `actor.task.attempt.delivery`, and an actor's id may have dots. */
function aboutDelivery<About extends object>(key: string, about: (id: string) => About) {
  const [, actor = key, number = '', attempt = ''] = /^(.+)\.(\d+)\.(\d+)\.\d+$/.exec(key) ?? [];
  const isTask = parseActorId(actor) === null;
  return {
    ...about(actor),
    ...(isTask ? { task_id: taskId(actor, Number(number)) } : { turn: Number(number) }),
    attempt: Number(attempt),
  };
}
