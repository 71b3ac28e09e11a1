import { expectTypeOf } from 'expect-type';
import { z } from 'zod';

import { task, workflow, WorkflowBuilder } from '#sdk/index.ts';
import type { Json, JsonObject, StepError, WorkflowDefinition } from '#sdk/index.ts';
import type { NoSignals } from '#sdk/signals.ts';

// Checked by tsc; running them only shows that they also build.
describe('types of the typed face', () => {
  const order = z.object({ id: z.string(), total: z.number(), gift: z.boolean().default(false) });

  it('gives a handler the input merged with the outputs of all steps before it', () => {
    const built = workflow('orders', { input: order })
      .task('reserve', {
        run: (input) => {
          expectTypeOf(input).toEqualTypeOf<{
            readonly id: string;
            readonly total: number;
            readonly gift: boolean;
          }>();
          return { shelf: 7 };
        },
      })
      .task('charge', { run: async () => ({ receipt: 'r1', at: new Date(0) }) })
      .task('pack', {
        needs: ['reserve', 'charge'],
        run: (input, { outputs, workflowInput }) => {
          expectTypeOf(input.shelf).toEqualTypeOf<number>();
          expectTypeOf(input.at).toEqualTypeOf<string>();
          expectTypeOf(outputs.charge.receipt).toEqualTypeOf<string>();
          expectTypeOf(workflowInput.total).toEqualTypeOf<number>();
          return 3;
        },
      })
      .task('ship', {
        needs: ['pack'],
        run: (input, { outputs }) => {
          expectTypeOf(input.receipt).toEqualTypeOf<string>();
          expectTypeOf(outputs.pack).toEqualTypeOf<number>();
          return { shipped: true };
        },
      })
      .build();

    expectTypeOf(built).toEqualTypeOf<
      WorkflowDefinition<
        { id: string; total: number; gift?: boolean | undefined },
        {
          readonly id: string;
          readonly total: number;
          readonly gift: boolean;
          readonly shelf: number;
          readonly receipt: string;
          readonly at: string;
          readonly shipped: boolean;
        },
        NoSignals
      >
    >();
    expectTypeOf(built).toExtend<WorkflowDefinition<{ id: string; total: number }, object>>();
  });

  it('gives a step after a signal what its schema makes of the payload', () => {
    const payload = z.object({ approved: z.boolean(), at: z.date().default(new Date(0)) });
    const built = workflow('orders', { input: order })
      .signal('approve', { payload })
      .signal('note', { onError: 'none' })
      .task('none', { run: () => ({ note: 'none' }) })
      .task('ship', {
        needs: ['approve', 'note'],
        run: (input, { outputs }) => {
          expectTypeOf(input.approved).toEqualTypeOf<boolean>();
          expectTypeOf(input.at).toEqualTypeOf<string>();
          expectTypeOf(outputs.approve.approved).toEqualTypeOf<boolean>();
          expectTypeOf(outputs.note).toEqualTypeOf<Json | undefined>();
          return {};
        },
      });
    expectTypeOf(built).toHaveProperty('signal');
    // @ts-expect-error: there is no such step
    built.signal('late', { needs: ['shipped'] });
  });

  it('makes optional what a skipped or rescued step may not have written', () => {
    workflow('orders', { input: order })
      .task('wrap', {
        when: ({ input, merged }) => {
          expectTypeOf(merged.total).toEqualTypeOf<number>();
          return input.gift;
        },
        run: () => ({ paper: 'red' }),
      })
      .task('tie', {
        needs: ['wrap'],
        whenNeedsSkipped: 'skip',
        run: (input) => {
          expectTypeOf(input.paper).toEqualTypeOf<string>();
          return { bow: true };
        },
      })
      .task('send', {
        needs: ['tie'],
        run: (input, { outputs }) => {
          expectTypeOf(input.bow).toEqualTypeOf<boolean | undefined>();
          expectTypeOf(outputs.wrap?.paper).toEqualTypeOf<string | undefined>();
          return { sent: true };
        },
      })
      .task('charge', {
        needs: ['send'],
        onError: 'refund',
        run: (input) => {
          expectTypeOf(input.sent).toEqualTypeOf<boolean>();
          return { receipt: 'r1' };
        },
      })
      .task('refund', {
        run: (input) => {
          expectTypeOf(input.error).toEqualTypeOf<StepError>();
          expectTypeOf(input.sent).toEqualTypeOf<boolean>();
          return { refunded: input.total };
        },
      })
      .task('close', {
        needs: ['charge'],
        run: (input) => {
          expectTypeOf(input.receipt).toEqualTypeOf<string | undefined>();
          expectTypeOf(input.refunded).toEqualTypeOf<number | undefined>();
          // @ts-expect-error only the error handler has an error
          return { error: input.error };
        },
      })
      .build();
  });

  it('lets a mapping make the input', () => {
    const double = task('double', {
      run: ({ value }: { value: number }) => ({ doubled: value * 2 }),
    });
    workflow('numbers', { input: z.object({ total: z.number() }) })
      .task('first', {
        map: ({ input }) => ({ only: input.total }),
        run: (input) => {
          expectTypeOf(input).toEqualTypeOf<{ only: number }>();
          return {};
        },
      })
      .task('second', { map: ({ merged }) => ({ value: merged.total }), uses: double })
      .task('third', {
        needs: ['second'],
        run: (input) => {
          expectTypeOf(input.doubled).toEqualTypeOf<number>();
        },
      })
      .build();
    // @ts-expect-error the task wants a value, and nobody makes one
    workflow('numbers', { input: z.object({ total: z.number() }) }).task('a', { uses: double });
  });

  it('refuses a need that is no step before', () => {
    const begun = workflow('orders', { input: order }).task('reserve', { run: () => ({}) });
    // @ts-expect-error a typing error
    begun.task('charge', { needs: ['resreve'], run: () => ({}) });
  });

  it('refuses what the input does not have', () => {
    // @ts-expect-error there is no such key
    workflow('orders', { input: order }).task('a', { run: (input) => input.totl });
    // @ts-expect-error the input of a workflow is an object
    workflow('orders', { input: z.string() });
    // @ts-expect-error not a duration
    workflow('orders', { timeout: 'soon' });
  });

  it('takes any JSON object when there is no schema', () => {
    const built = workflow('free')
      .task('a', {
        run: (input) => {
          expectTypeOf(input['anything']).toEqualTypeOf<Json | undefined>();
          return { rows: 3 };
        },
      })
      .task('b', {
        needs: ['a'],
        run: (input) => {
          expectTypeOf(input.rows).toEqualTypeOf<number>();
          expectTypeOf(input['anything']).toEqualTypeOf<Json | undefined>();
        },
      })
      .build();
    expectTypeOf<typeof built>().toExtend<WorkflowDefinition<JsonObject, { rows: number }>>();
  });

  it('keeps the alternatives of an output apart', () => {
    workflow('alternatives', { input: z.object({}) })
      .task('look', {
        run: (): { found: true; id: number } | { found: false } => ({ found: false }),
      })
      .task('use', {
        needs: ['look'],
        run: (input) => {
          expectTypeOf(input.found).toEqualTypeOf<boolean>();
          expectTypeOf(input.id).toEqualTypeOf<number | undefined>();
        },
      });
  });

  it('types the fluent face as JSON objects', () => {
    const built = new WorkflowBuilder('fluent')
      .addTask('a', (input) => {
        expectTypeOf(input).toEqualTypeOf<JsonObject>();
        return {};
      })
      .addTask('b', (input: { file: string }) => ({ size: input.file.length }))
      .addStep('a')
      .addStep('b')
      .build();
    expectTypeOf(built).toEqualTypeOf<WorkflowDefinition>();
    // @ts-expect-error there is no `then`, which would make a promise of it
    expectTypeOf(new WorkflowBuilder('fluent').then).toBeNever();
  });
});
