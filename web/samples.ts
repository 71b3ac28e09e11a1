import type { JsonObject } from '#actors/json.ts';

/** A workflow of the examples, to try things with; those of which the cluster knows the definition are offered. */
export interface Sample {
  readonly name: string;
  readonly input: JsonObject;
}

export const samples = {
  order: {
    name: 'order_processing',
    input: { order_id: 'A-2001', item: 'lamp', quantity: 2, amount: 59.9 },
  },
  pipeline: { name: 'data_pipeline', input: { source: 'orders', target: 'warehouse' } },
  registration: {
    name: 'user_registration',
    input: { username: 'grace', email: 'grace@example.com' },
  },
  flaky: { name: 'flaky_payment', input: { amount: 40, failures: 2 } },
  failing: { name: 'flaky_payment', input: { amount: 99, failures: 9 } },
  refund: { name: 'refunded_order', input: { order_id: 'A-2002', amount: 25 } },
  approval: {
    name: 'expense_approval',
    input: { employee: 'Grace', purpose: 'A flight to the conference', amount: 480 },
  },
  report: { name: 'long_report', input: { title: 'The year in numbers', pages: 60 } },
} as const satisfies Readonly<Record<string, Sample>>;
