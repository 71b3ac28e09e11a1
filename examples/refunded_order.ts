import { z } from 'zod';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/* A step that fails for good, and the step that puts things right: the workflow completes, with a refund for a parcel. */

const parcel = z.object({
  order_id: z.string(),
  amount: z.number(),
  address: z.string().default(''),
});

export const refundedOrder = workflow('refunded_order', { input: parcel })
  .task('charge', {
    run: async ({ amount }) => {
      await pause(200);
      return { charged: amount };
    },
  })
  .task('ship', {
    needs: ['charge'],
    onError: 'refund',
    run: async ({ address }) => {
      await pause(300);
      if (address === '') throw new NonRetryableError('The parcel has no address.');
      return { shipped_to: address };
    },
  })
  .task('refund', {
    run: async ({ charged, error }) => {
      await pause(200);
      return { refunded: charged, refund_reason: error.message };
    },
  })
  .task('close', {
    needs: ['ship'],
    run: async ({ order_id, shipped_to }) => {
      await pause(100);
      return { closed: `${order_id} ${shipped_to === undefined ? 'refunded' : 'shipped'}` };
    },
  })
  .build();
