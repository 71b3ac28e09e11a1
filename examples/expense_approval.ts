import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * A step that waits for a person: the workflow stands still, in no memory and on no thread, until somebody sends the signal
 * `approve`, be it with the button of the page, over REST, with `temjob signal` or from a program. What was sent is the
 * output of the step. Small sums need nobody: `ask` is skipped, and `approve` with it.
 */

const expense = z.object({
  employee: z.string(),
  purpose: z.string(),
  amount: z.number().positive(),
});

const decision = z.object({
  approved: z.boolean().default(true),
  comment: z.string().optional(),
});

export const expenseApproval = workflow('expense_approval', { input: expense })
  .task('ask', {
    when: ({ input }) => input.amount > 50,
    run: async ({ employee, amount }) => {
      await pause(200);
      return { asked: `May ${employee} spend ${amount}?` };
    },
  })
  .signal('approve', { needs: ['ask'], payload: decision, timeout: '7d', whenNeedsSkipped: 'skip' })
  .task('pay', {
    needs: ['approve'],
    when: ({ outputs }) => outputs.approve?.approved !== false,
    run: async ({ employee, amount }) => {
      await pause(300);
      return { paid: amount, told: `${employee}: ${amount} is on its way` };
    },
  })
  .task('decline', {
    needs: ['approve'],
    when: ({ outputs }) => outputs.approve?.approved === false,
    run: async ({ employee, comment }) => {
      await pause(200);
      return { told: `${employee}: ${comment ?? 'not this time'}` };
    },
  })
  .build();
