import { type Logger, pino } from 'pino';

import type { Notices } from '#cluster/notices.ts';

import type { Config } from './config.ts';

/** The logger of a node: JSON lines, or lines for people. */
export function createLog(config: Config): Logger {
  const { level, format } = config.logging;
  const options = {
    level,
    base: { node: config.node.name },
    redact: {
      paths: ['*.password', '*.token', 'authorization', '*.authorization'],
      censor: '[redacted]',
    },
  };
  return format === 'console'
    ? pino({
        ...options,
        transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } },
      })
    : pino(options);
}

/** Writes down what happens inside a node. */
export function logNotices(notices: Notices, log: Logger): void {
  notices.on('node.ready', (notice) => log.info(notice, 'the node serves'));
  notices.on('node.draining', (notice) => log.info(notice, 'the node drains'));
  notices.on('node.stopped', (notice) => log.info(notice, 'the node has stopped'));
  notices.on('member.up', (notice) => log.info(notice, 'a node is up'));
  notices.on('member.down', (notice) => log.warn(notice, 'a node is down'));
  notices.on('shards.claimed', ({ shards, from }) =>
    log.info({ shards: shards.length, from }, 'claimed shards'),
  );
  notices.on('shards.released', ({ shards }) =>
    log.info({ shards: shards.length }, 'let shards go'),
  );
  notices.on('shard.fenced', (notice) => log.warn(notice, 'another node has the shard'));
  notices.on('workflow.ended', ({ id, name, state }) =>
    log.debug({ workflow_id: id, name, state }, 'a workflow has ended'),
  );
  notices.on('actor.faulted', ({ id, error, parked }) =>
    log.error({ actor: id, err: error, parked }, 'a decision threw'),
  );
  notices.on('redis.down', () => log.warn('Redis does not answer'));
  notices.on('redis.up', (notice) => log.info(notice, 'Redis answers again'));
  notices.on('mysql.down', ({ error }) =>
    log.warn({ err: error }, 'MySQL does not answer; nothing is acknowledged until it does'),
  );
  notices.on('mysql.up', () => log.info('MySQL answers again'));
  notices.on('duty.failed', ({ duty, error }) =>
    log.warn({ duty, err: error }, 'failed, and is tried again'),
  );
  notices.on('code.warning', ({ message }) => log.warn(message));
}
