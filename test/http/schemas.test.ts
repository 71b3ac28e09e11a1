import { expectTypeOf } from 'expect-type';
import type { z } from 'zod';

import type { Graph } from '#actors/definition.ts';
import type { Failure } from '#actors/failure.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type { ClusterView, NumberedEvent, WorkflowRow } from '#cluster/api.ts';
import type { cluster } from '#http/schemas/cluster.ts';
import type { definition } from '#http/schemas/definitions.ts';
import type { event } from '#http/schemas/events.ts';
import type { failure } from '#http/schemas/failure.ts';
import type { task } from '#http/schemas/tasks.ts';
import type { workflow, workflowRow } from '#http/schemas/workflows.ts';

/** To TypeScript what is not for changing is another type; in JSON it is the same. */
type Plain<Value> = Value extends readonly (infer Item)[]
  ? Plain<Item>[]
  : Value extends object
    ? { -readonly [Key in keyof Value]: Plain<Value[Key]> }
    : Value;

type Shown<Schema extends z.ZodType> = Plain<z.output<Schema>>;

describe('the schemas of the answers', () => {
  it('have every field of what the model and the cluster show, and no other: it would not compile', () => {
    expectTypeOf<Shown<typeof workflow>>().toEqualTypeOf<Plain<WorkflowView>>();
    expectTypeOf<Shown<typeof workflowRow>>().toEqualTypeOf<Plain<WorkflowRow>>();
    expectTypeOf<Shown<typeof task>>().toEqualTypeOf<Plain<TaskView>>();
    expectTypeOf<Shown<typeof failure>>().toEqualTypeOf<Plain<Failure>>();
    expectTypeOf<Shown<typeof definition>>().toEqualTypeOf<Plain<Graph>>();
    expectTypeOf<Shown<typeof event>>().toEqualTypeOf<Plain<NumberedEvent>>();
    expectTypeOf<Shown<typeof cluster>>().toEqualTypeOf<Plain<ClusterView>>();
  });
});
