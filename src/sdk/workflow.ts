import type { StandardSchemaV1 } from '@standard-schema/spec';

import type {
  StepCode,
  TaskDefinition,
  TaskHandler,
  WorkflowDefinition,
} from '#actors/definition.ts';
import type { Json, JsonObject } from '#actors/json.ts';

import { build, withTask } from './build.ts';
import { DefinitionError } from './definition-error.ts';
import type { Draft, SignalStepOptions, StepDraft, WorkflowOptions } from './draft.ts';
import type { RunOptions } from './policy.ts';
import type {
  MergedInput,
  OutputsBefore,
  Shape,
  StepNames,
  Stored,
  StepTaskContext,
  StepView,
  WithSignal,
  WithStep,
  WorkflowOutput,
} from './shape.ts';
import type { NoSignals } from './signals.ts';

/**
 * Begins a workflow whose types are inferred as it is written: each step's input is the workflow's input merged with the
 * outputs of the steps it needs. Each call returns a new value, so a beginning can be shared.
 *
 *     const greet = workflow('greet', { input: z.object({ name: z.string() }) })
 *       .task('compose', { run: ({ name }) => ({ text: `Hello, ${name}` }) })
 *       .task('send', { needs: ['compose'], run: ({ text }) => ({ sent: text.length }) })
 *       .build();
 *
 * Without a schema the input is any JSON object. For a graph that is only known at run time use `WorkflowBuilder`.
 */
export function workflow<Schema extends StandardSchemaV1<unknown, object>>(
  name: string,
  options: WorkflowOptions & { readonly input: Schema },
): Workflow<{
  accepts: StandardSchemaV1.InferInput<Schema>;
  input: Stored<StandardSchemaV1.InferOutput<Schema>>;
  signals: NoSignals;
  steps: never;
}>;
export function workflow(
  name: string,
  options?: WorkflowOptions & { readonly input?: never },
): Workflow<{ accepts: JsonObject; input: JsonObject; signals: NoSignals; steps: never }>;
export function workflow(name: string, options: WorkflowOptions = {}): unknown {
  return new Workflow({ name, options, tasks: [], steps: [] });
}

/** What every step may say. A step has either `run`, a handler written in place, or `uses`, a task type. */
interface StepOptions<View, Needs, Verdict, OnError, Mode> extends RunOptions {
  /** Steps that must have ended before this one starts. */
  readonly needs?: readonly Needs[];
  /** Decides in the worker, just before the task would run; false skips the step. */
  readonly when?: (facts: View) => Verdict | Promise<Verdict>;
  /** The step that runs instead of failing the workflow when this one fails for good. It finds the `error` in its input. */
  readonly onError?: OnError;
  /** What to do when one of `needs` was skipped. Default `'run'`: whoever does not want to run without it says `'skip'`. */
  readonly whenNeedsSkipped?: Mode;
}

/** A step whose handler gets everything merged. */
interface PlainStep<Input, Context, Output> {
  readonly map?: never;
  readonly run?: (input: Input, context: Context) => Output | Promise<Output>;
  /** A task, or the name of a task type that other nodes offer. */
  readonly uses?: string | TaskDefinition<Input, Output>;
}

/** A step whose handler gets what `map` makes. */
interface MappedStep<View, Mapped, Takes, Context, Output> {
  readonly map: (facts: View) => Mapped;
  readonly run?: (input: Mapped, context: Context) => Output | Promise<Output>;
  readonly uses?: string | (TaskDefinition<Takes, Output> & Fits<Mapped, Takes>);
}

class Workflow<S extends Shape> {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /**
   * Adds a step. All type parameters are inferred; `needs`, `when`, `onError` and `whenNeedsSkipped` each decide what the
   * steps after this one may count on.
   * @throws DefinitionError when the options contradict each other; what concerns the whole graph is checked by `build()`
   */
  // Two signatures, because with one the compiler would compare `uses` with the input before it has looked at `map`.
  task<
    Name extends string,
    Output,
    Needs extends StepNames<S> = never,
    Mode extends 'run' | 'skip' = 'run',
    OnError extends string = never,
    Verdict extends boolean = never,
    Mapped = never,
    Takes = Mapped,
  >(
    name: Name,
    options: StepOptions<ViewOf<S, Name, Needs, Mode>, Needs, Verdict, OnError, Mode> &
      MappedStep<
        ViewOf<S, Name, Needs, Mode>,
        Mapped,
        Takes,
        ContextOf<S, Name, Needs, Mode>,
        Output
      >,
  ): Workflow<WithStep<S, Name, Needs, Output, { when: Verdict; onError: OnError; mode: Mode }>>;
  task<
    Name extends string,
    Output,
    Needs extends StepNames<S> = never,
    Mode extends 'run' | 'skip' = 'run',
    OnError extends string = never,
    Verdict extends boolean = never,
  >(
    name: Name,
    options: StepOptions<ViewOf<S, Name, Needs, Mode>, Needs, Verdict, OnError, Mode> &
      PlainStep<MergedInput<S, Name, Needs, Mode>, ContextOf<S, Name, Needs, Mode>, Output>,
  ): Workflow<WithStep<S, Name, Needs, Output, { when: Verdict; onError: OnError; mode: Mode }>>;
  task(name: string, typed: object): unknown {
    // The signature above has checked them. What a handler is given at run time is the same, but the types know less of it.
    const options = typed as UntypedStepOptions;
    const { tasks, steps, ...rest } = this.#draft;
    const place = { where: `workflow "${rest.name}"`, step: name };
    const { uses } = options;
    return new Workflow({
      ...rest,
      tasks: typeof uses === 'object' ? withTask(tasks, uses, place) : tasks,
      steps: [...steps, draftOf(name, options, place.where)],
    });
  }

  /**
   * Adds a step that runs nothing: it waits for the signal of its name, which somebody sends from outside, such as a person
   * who approves. The payload of the signal is the step's output. One that comes early is kept until it is the step's turn.
   */
  signal<
    Name extends string,
    Schema extends StandardSchemaV1 = StandardSchemaV1<Json>,
    Needs extends StepNames<S> = never,
    Mode extends 'run' | 'skip' = 'run',
    OnError extends string = never,
  >(
    name: Name,
    options: SignalStepOptions<Schema> &
      Pick<
        StepOptions<never, Needs, never, OnError, Mode>,
        'needs' | 'onError' | 'whenNeedsSkipped'
      > = {},
  ): Workflow<
    WithStep<
      WithSignal<S, Name, StandardSchemaV1.InferInput<Schema>>,
      Name,
      Needs,
      StandardSchemaV1.InferOutput<Schema>,
      { when: never; onError: OnError; mode: Mode }
    >
  > {
    const { needs, onError, whenNeedsSkipped, ...signal } = options;
    const step: StepDraft = {
      name,
      task: null,
      run: null,
      needs: [...(needs ?? [])],
      when: null,
      map: null,
      onError: onError ?? null,
      whenNeedsSkipped: whenNeedsSkipped ?? 'run',
      signal,
    };
    return new Workflow({ ...this.#draft, steps: [...this.#draft.steps, step] });
  }

  /**
   * Checks everything and compiles it.
   * @throws DefinitionError that names the culprit
   */
  build(): WorkflowDefinition<S['accepts'], WorkflowOutput<S>, S['signals']> {
    return build(this.#draft);
  }
}

export type { Workflow };

// ---- helpers ----

type ViewOf<S extends Shape, Name extends string, Needs extends string, Mode> = StepView<
  S['input'],
  MergedInput<S, Name, Needs, Mode>,
  OutputsBefore<S, Name, Needs, Mode>
>;

type ContextOf<S extends Shape, Name extends string, Needs extends string, Mode> = StepTaskContext<
  S['input'],
  OutputsBefore<S, Name, Needs, Mode>
>;

// A task type can be used where it takes what the step has for it; the property is the message that an author reads.
type Fits<Input, Takes> = [Input] extends [Takes]
  ? unknown
  : { readonly 'this step does not have what the task takes': never };

type UntypedStepOptions = RunOptions & {
  readonly needs?: readonly string[];
  readonly when?: NonNullable<StepCode['when']>;
  readonly map?: NonNullable<StepCode['map']>;
  readonly run?: TaskHandler;
  readonly uses?: string | TaskDefinition;
  readonly onError?: string;
  readonly whenNeedsSkipped?: 'run' | 'skip';
};

function draftOf(name: string, options: UntypedStepOptions, where: string): StepDraft {
  const { needs, when, map, run, uses, onError, whenNeedsSkipped, ...how } = options;
  if (run !== undefined && uses !== undefined) {
    throw new DefinitionError({
      code: 'TWO_HANDLERS',
      where,
      step: name,
      message: 'it has both run and uses, so one of them would never run. Keep one.',
    });
  }
  if (run === undefined && uses === undefined) {
    throw new DefinitionError({
      code: 'MISSING_HANDLER',
      where,
      step: name,
      message:
        'it has nothing to run. Give it run: (input) => …, or uses: a task, or uses: the name of a task type that other nodes offer.',
    });
  }
  return {
    ...how,
    name,
    task: uses === undefined ? null : typeof uses === 'string' ? uses : uses.type,
    run: run ?? null,
    needs: [...(needs ?? [])],
    when: when === undefined ? null : { code: when, text: String(when) },
    map: map === undefined ? null : { code: map, text: String(map) },
    onError: onError ?? null,
    whenNeedsSkipped: whenNeedsSkipped ?? 'run',
    signal: null,
  };
}
