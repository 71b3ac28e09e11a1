import { workflow } from 'temjob';

/*
 * A task module: a node that loads it offers what it exports. Handlers run in worker threads. Node runs TypeScript as it is.
 */

/** Stands for a payment provider that is down now and then. */
async function pay(order: string, key: string): Promise<string> {
  return await Promise.resolve(`receipt-${order}-${key.length}`);
}

export const order = workflow('order')
  .task('reserve', {
    run: ({ order: id }) => ({ order: String(id ?? 'unknown'), shelf: 'A-7' }),
  })
  .task('charge', {
    needs: ['reserve'],
    // The same key at every attempt, so the provider charges once however often this runs.
    run: async ({ order: id }, { idempotencyKey }) => ({ receipt: await pay(id, idempotencyKey) }),
    retry: { maxAttempts: 5, initialInterval: '1s' },
    timeout: '30s',
  })
  .task('ship', {
    needs: ['reserve', 'charge'],
    run: ({ shelf, receipt }, { log }) => {
      log.info(`shipping from ${shelf}`);
      return { shipped: `${shelf} for ${receipt}` };
    },
  })
  .build();
