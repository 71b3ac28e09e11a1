import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createConnection } from 'mysql2/promise';

import { type ServerUrls, startPrivateServers } from '#dev/private-servers.ts';

let shared: Promise<ServerUrls> | undefined;
const stops: (() => Promise<void>)[] = [];

/**
 * One pair of real servers for all tests of this process, started at the first call and stopped after the last test.
 * TEMJOB_TEST_REDIS_URL and TEMJOB_TEST_MYSQL_URL name others to be used instead.
 */
export async function sharedServers(): Promise<ServerUrls> {
  shared ??= start();
  return await shared;
}

/** Creates an empty database of its own on the server and resolves to its URL. */
export async function freshDatabase(urls: ServerUrls): Promise<string> {
  const url = new URL(urls.mysql);
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const connection = await createConnection(urls.mysql);
  try {
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  } finally {
    await connection.end();
  }
  url.pathname = `/${name}`;
  return url.href;
}

/** A prefix of Redis keys that nobody else has. */
export function freshPrefix(): string {
  return `test-${process.pid}-${randomBytes(6).toString('hex')}:`;
}

async function start(): Promise<ServerUrls> {
  const redis = process.env['TEMJOB_TEST_REDIS_URL'];
  const mysql = process.env['TEMJOB_TEST_MYSQL_URL'];
  if (redis && mysql) return { redis, mysql };
  const dataDir = await mkdtemp(join(tmpdir(), 'temjob-test-'));
  stops.push(() => rm(dataDir, { recursive: true, force: true }));
  const servers = await startPrivateServers({
    dataDir,
    given: { ...(redis && { redis }), ...(mysql && { mysql }) },
  });
  stops.push(() => servers.stop());
  return servers.urls;
}

// A root hook: whoever imports this file first is loaded by mocha outside of every suite.
after(async () => {
  for (const stop of stops.toReversed()) await stop();
});
