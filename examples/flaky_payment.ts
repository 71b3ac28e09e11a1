import { z } from 'zod';

import { RetryAfterError, workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * Failing on purpose. `charge` fails `failures` times before it succeeds, and gives up after four attempts: with 2 the
 * workflow completes on the third attempt, with 9 it fails and tells why. `quote` asks for a time of its own.
 */

const payment = z.object({ amount: z.number(), failures: z.int().min(0).default(2) });

class GatewayTimeout extends Error {
  override readonly name = 'GatewayTimeout';
}

export const flakyPayment = workflow('flaky_payment', { input: payment, onFailure: 'letFinish' })
  .task('quote', {
    run: async ({ amount }, { attempt }) => {
      await pause(150);
      if (attempt === 1)
        throw new RetryAfterError('The rate service asks for 300 ms of patience.', 300);
      return { fee: Math.round(amount * 0.029 * 100) / 100 };
    },
  })
  .task('charge', {
    needs: ['quote'],
    retry: { maxAttempts: 4, initialInterval: '300ms', backoffCoefficient: 2, jitter: 0.2 },
    run: async ({ amount, fee, failures }, { attempt, log }) => {
      log.info(`attempt ${attempt} to charge ${amount + fee}`);
      await pause(250);
      if (attempt <= failures)
        throw new GatewayTimeout(`The payment gateway did not answer (${attempt}).`);
      return { charged: amount + fee, attempts_needed: attempt };
    },
  })
  .task('receipt', {
    needs: ['charge'],
    run: async ({ charged }) => {
      await pause(100);
      return { receipt: `Charged ${charged}` };
    },
  })
  .build();
