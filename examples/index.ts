import type { Json, JsonObject } from '#sdk/index.ts';

import { dataPipeline } from './data_pipeline.ts';
import { dataProcessing, dataProcessingWithNotice } from './data_processing.ts';
import { expenseApproval } from './expense_approval.ts';
import { flakyPayment } from './flaky_payment.ts';
import { longReport } from './long_report.ts';
import { notificationWorkflow } from './notification_workflow.ts';
import { orderProcessing } from './order_processing.ts';
import { refundedOrder } from './refunded_order.ts';
import { shoppingCart } from './shopping_cart.ts';
import { userRegistration } from './user_registration.ts';
import { welcomeWorkflow } from './welcome_workflow.ts';

/* A task module: what it exports is what a node that loads it offers. */

export {
  dataPipeline,
  dataProcessing,
  dataProcessingWithNotice,
  expenseApproval,
  flakyPayment,
  longReport,
  notificationWorkflow,
  orderProcessing,
  refundedOrder,
  shoppingCart,
  userRegistration,
  welcomeWorkflow,
};

/** A run that a fresh cluster starts with, so that there is something to look at; the last are on top of its lists. */
export interface SampleRun {
  /** The name of the definition. */
  readonly name: string;
  readonly input: JsonObject;
  /** What it waits for, with what a person would send. */
  readonly awaits?: { readonly signal: string; readonly payload: JsonObject };
  /** How it ends, after that. */
  readonly expect: {
    readonly status: 'completed' | 'failed';
    /** All that the output has besides the input and `made`. */
    readonly output?: Readonly<Record<string, Json>>;
    /** Keys of the output whose values differ from run to run, such as times. */
    readonly made?: readonly string[];
  };
}

export const sampleRuns: readonly SampleRun[] = [
  {
    name: 'data_processing',
    input: { input_file: 'data.csv', output_dir: 'output' },
    expect: {
      status: 'completed',
      output: {
        validated: true,
        file_size: 1024,
        processed_records: 100,
        output_file: 'processed_data.csv',
        report_file: 'report_processed_data.csv',
        summary: 'Data processing completed successfully',
      },
    },
  },
  {
    name: 'data_processing_with_notice',
    input: { input_file: 'sales.csv', output_dir: 'output' },
    expect: {
      status: 'completed',
      output: {
        validated: true,
        file_size: 1024,
        processed_records: 100,
        output_file: 'processed_sales.csv',
        report_file: 'report_processed_sales.csv',
        summary: 'Data processing completed successfully',
        notification_sent: true,
        notified_of: 'report_processed_sales.csv',
      },
    },
  },
  {
    name: 'notification_workflow',
    input: { recipient: 'user@example.com', subject: 'Welcome!', activity: 'signup' },
    expect: {
      status: 'completed',
      output: { email_sent: true, logged: true },
      made: ['sent_at', 'log_id'],
    },
  },
  {
    name: 'data_pipeline',
    input: { source: 'orders', target: 'warehouse' },
    expect: {
      status: 'completed',
      output: {
        rows: 500,
        extracted: 500,
        transformed: 495,
        rejected: 5,
        valid: true,
        loaded: 495,
        loaded_into: 'warehouse',
        notice: '5 rows were rejected',
      },
    },
  },
  {
    name: 'user_registration',
    input: { username: 'ada', email: 'ada@example.com' },
    expect: {
      status: 'completed',
      output: {
        email_valid: true,
        domain: 'example.com',
        user_id: 'user_ada',
        welcome_sent_to: 'ada@example.com',
        profile: '/profiles/user_ada',
        permissions: ['read', 'write'],
      },
    },
  },
  {
    name: 'welcome_workflow',
    input: { name: 'Ada', email: 'ada@example.com' },
    expect: {
      status: 'completed',
      output: { greeting: 'Hello, Ada! Welcome to TemJob.', email_sent: true },
      made: ['timestamp', 'sent_at'],
    },
  },
  {
    name: 'welcome_workflow',
    input: { name: 'Bob' },
    expect: {
      status: 'completed',
      output: { greeting: 'Hello, Bob! Welcome to TemJob.' },
      made: ['timestamp'],
    },
  },
  {
    name: 'flaky_payment',
    input: { amount: 40, failures: 2 },
    expect: {
      status: 'completed',
      output: { fee: 1.16, charged: 41.16, attempts_needed: 3, receipt: 'Charged 41.16' },
    },
  },
  {
    name: 'flaky_payment',
    input: { amount: 99, failures: 9 },
    expect: { status: 'failed' },
  },
  {
    name: 'refunded_order',
    input: { order_id: 'A-1002', amount: 25 },
    expect: {
      status: 'completed',
      output: {
        address: '',
        charged: 25,
        refunded: 25,
        refund_reason: 'The parcel has no address.',
        closed: 'A-1002 refunded',
      },
    },
  },
  {
    name: 'order_processing',
    input: { order_id: 'A-1001', item: 'lamp', quantity: 2, amount: 59.9 },
    expect: {
      status: 'completed',
      output: {
        inventory_valid: true,
        warehouse: 'north',
        payment_valid: true,
        risk: 'low',
        reservation_id: 'res_north_A-1001',
        charged: 59.9,
        confirmed: true,
        confirmation: 'A-1001: res_north_A-1001, 59.9 charged',
      },
      made: ['payment_id'],
    },
  },
  {
    name: 'long_report',
    input: { title: 'The year in numbers', pages: 40 },
    expect: {
      status: 'completed',
      output: { written: 40, book: 'The year in numbers, 40 pages' },
    },
  },
  {
    name: 'expense_approval',
    input: { employee: 'Grace', purpose: 'A flight to the conference', amount: 480 },
    awaits: { signal: 'approve', payload: { approved: true } },
    expect: {
      status: 'completed',
      output: {
        asked: 'May Grace spend 480?',
        approved: true,
        paid: 480,
        told: 'Grace: 480 is on its way',
      },
    },
  },
];
