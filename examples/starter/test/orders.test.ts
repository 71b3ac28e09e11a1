import assert from 'node:assert';
import { test } from 'node:test';

import { testEnvironment } from 'temjob/testing';

import { order } from '../src/orders.ts';

test('an order is shipped', async () => {
  const { shipped } = await testEnvironment().start(order, { order: '42' }).result();
  assert.match(shipped, /^A-7 for receipt-42/);
});

test('an order survives a bank that is down three times', async () => {
  const env = testEnvironment();
  env.failTask('charge', new Error('the bank is down'), { times: 3 });
  // The pauses between the attempts take no time: the clock of the environment jumps.
  const { shipped } = await env.start(order, { order: '42' }).result();
  assert.match(shipped, /receipt-42/);
});
