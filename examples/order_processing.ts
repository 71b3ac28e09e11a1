import { z } from 'zod';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * Two branches that run side by side, each of two steps, and a join. The join sees the outputs of both branches, each under
 * its own name in `outputs` and all together in its input; the types know all keys without being told.
 */

const order = z.object({
  order_id: z.string(),
  item: z.string(),
  quantity: z.int().positive(),
  amount: z.number().positive(),
});

export const orderProcessing = workflow('order_processing', { input: order, timeout: '2m' })
  .task('validate_inventory', {
    run: async ({ item, quantity }) => {
      await pause(300);
      if (quantity > 100) throw new NonRetryableError(`Only 100 of ${item} are in stock.`);
      return { inventory_valid: true, warehouse: 'north' };
    },
  })
  .task('validate_payment', {
    run: async ({ amount }) => {
      await pause(400);
      return { payment_valid: true, risk: amount > 1000 ? 'high' : 'low' };
    },
  })
  .task('reserve_inventory', {
    needs: ['validate_inventory'],
    run: async ({ order_id, warehouse }) => {
      await pause(500);
      return { reservation_id: `res_${warehouse}_${order_id}` };
    },
  })
  .task('charge_payment', {
    needs: ['validate_payment'],
    // The same key for every attempt: a payment service that knows it would not charge twice.
    run: async ({ amount }, { idempotencyKey }) => {
      await pause(400);
      return { payment_id: `pay_${idempotencyKey}`, charged: amount };
    },
  })
  .task('confirm_order', {
    needs: ['reserve_inventory', 'charge_payment'],
    run: async ({ order_id, reservation_id }, { outputs }) => {
      await pause(200);
      return {
        confirmed: true,
        confirmation: `${order_id}: ${reservation_id}, ${outputs.charge_payment.charged} charged`,
      };
    },
  })
  .build();
