import type { TaskContext } from '#actors/definition.ts';
import type { Json } from '#actors/json.ts';

/*
 * What the types of the typed face know about a workflow while it is being written. At run time the input of a step is the
 * workflow's input with the outputs of all steps before it laid over it, in the order of the definition; here is the same
 * in types, with outputs as JSON gives them back, and with those optional that may be missing because a step was skipped
 * or rescued.
 */

/** A workflow so far. */
export interface Shape {
  /** What a caller gives, before the schema has filled in defaults. */
  readonly accepts: unknown;
  /** What the steps get. */
  readonly input: unknown;
  /** What is sent to the steps that wait for a signal, by name. */
  readonly signals: unknown;
  /** The union of them: an intersection of many takes the compiler cubic time. */
  readonly steps: StepShape;
}

/** A step so far. */
interface StepShape {
  readonly name: string;
  readonly output: unknown;
  /** Steps whose outputs exist whenever this one has completed. */
  readonly sure: string;
  /** Steps before this one whose outputs may be missing. */
  readonly maybe: string;
  /** Never skipped and never rescued, so in a completed workflow it has completed. */
  readonly always: boolean;
  /** The step that handles its failure. */
  readonly onError: string;
}

/** The names of the steps so far. */
export type StepNames<S extends Shape> = S['steps']['name'];

/** A shape with one step more. */
export interface WithStep<
  S extends Shape,
  Name extends string,
  Needs extends string,
  Output,
  W extends Way,
> {
  readonly accepts: S['accepts'];
  readonly input: S['input'];
  readonly signals: S['signals'];
  readonly steps: S['steps'] | StepOf<S, Name, Needs, Output, W>;
}

/** A shape with one signal more. */
export interface WithSignal<S extends Shape, Name extends string, Payload> {
  readonly accepts: S['accepts'];
  readonly input: S['input'];
  readonly signals: S['signals'] & { readonly [N in Name]: Payload };
  readonly steps: S['steps'];
}

/** The new step itself, from its options. */
interface StepOf<
  S extends Shape,
  Name extends string,
  Needs extends string,
  Output,
  W extends Way,
> {
  readonly name: Name;
  readonly output: Stored<Output>;
  readonly sure: SureOf<S, Name, Needs, W['mode']>;
  readonly maybe: MaybeOf<S, Name, Needs, W['mode']>;
  readonly always: AlwaysOf<S, Name, Needs, W>;
  readonly onError: W['onError'];
}

/** How a step may end other than by completing: the options that matter to the types of the steps after it. */
interface Way {
  /** What `when` may answer; never, when there is none. */
  readonly when: boolean;
  readonly onError: string;
  readonly mode: 'run' | 'skip';
}

/** The workflow's input merged with the outputs of the steps before; an error handler finds the `error` there too. */
export type MergedInput<S extends Shape, Name extends string, Needs extends string, Mode> = Laid<
  S['input'],
  EntriesIn<S, SureOf<S, Name, Needs, Mode>>,
  EntriesIn<S, MaybeOf<S, Name, Needs, Mode>>
> &
  (Name extends HandlersIn<S> ? { readonly error: StepError } : unknown);

/** The outputs of the steps before, by step. */
export type OutputsBefore<S extends Shape, Name extends string, Needs extends string, Mode> = Flat<
  {
    readonly [N in SureOf<S, Name, Needs, Mode>]: PartOf<S, N, 'output'>;
  } & {
    readonly [N in MaybeOf<S, Name, Needs, Mode>]?: PartOf<S, N, 'output'>;
  }
>;

/** The workflow's input merged with the outputs of all its steps. */
export type WorkflowOutput<S extends Shape> = Laid<
  S['input'],
  EntriesIn<S, AlwaysIn<S>>,
  EntriesIn<S, Exclude<StepNames<S>, AlwaysIn<S>>>
>;

/** The context of a handler that belongs to a workflow: as `TaskContext`, with types. */
export interface StepTaskContext<Input, Outputs> extends Omit<
  TaskContext,
  'outputs' | 'workflowInput'
> {
  /** Outputs of the steps before, by step name. */
  readonly outputs: Outputs;
  /** The workflow's own input. */
  readonly workflowInput: Input;
}

/** What `when` and `map` see. */
export interface StepView<Input, Merged, Outputs> {
  /** The workflow's own input. */
  readonly input: Input;
  /** Outputs of the steps before, by step name; a skipped step is absent. */
  readonly outputs: Outputs;
  /** Both together, as the handler would get it. */
  readonly merged: Merged;
}

/** The failure that an error handler is there for. */
export interface StepError {
  /** The step that failed. */
  readonly step: string;
  /** The class of the error, e.g. `TypeError`. */
  readonly name: string;
  readonly message: string;
  /** What kind of thing went wrong: `error`, `timeout`, `crashed`, … */
  readonly kind: string;
  /** The attempt that was the last. */
  readonly attempt: number;
}

/** What JSON gives back of a value: dates are text, methods and `undefined` are gone. */
export type Stored<T> = unknown extends T
  ? Json
  : [T] extends [Json]
    ? T
    : T extends undefined | void
      ? null
      : T extends { toJSON(): infer Text }
        ? Stored<Text>
        : T extends ((...args: never[]) => unknown) | symbol | bigint
          ? never
          : T extends readonly unknown[]
            ? { readonly [I in keyof T]: Stored<T[I]> }
            : T extends object
              ? StoredObject<T>
              : never;

// ---- helpers ----

type StoredObject<T> = Flat<
  {
    readonly [
      K in keyof T as K extends string | number ? (undefined extends T[K] ? never : K) : never
    ]: Stored<T[K]>;
  } & {
    readonly [
      K in keyof T as K extends string | number ? (undefined extends T[K] ? K : never) : never
    ]?: Stored<Exclude<T[K], undefined>>;
  }
>;

type ByName<Step extends StepShape> = { readonly [E in Step as E['name']]: E };

type PartOf<S extends Shape, N extends string, Part extends keyof StepShape> = PartIn<
  ByName<S['steps']>,
  N,
  Part
>;

type PartIn<Steps, N, Part extends keyof StepShape> = N extends keyof Steps
  ? Steps[N] extends { readonly [P in Part]: infer Value }
    ? Value
    : never
  : never;

/** Which outputs may be counted on. A step that skips with its needs runs only when they completed, or were rescued. */
type SureOf<S extends Shape, Name extends string, Needs extends string, Mode> =
  | SureNeeds<S, Needs, Mode>
  | (PartOf<S, SureNeeds<S, Needs, Mode> | HandledBy<S, Name>, 'sure'> & string);

type SureNeeds<S extends Shape, Needs extends string, Mode> = Needs extends string
  ? Mode extends 'run'
    ? PartOf<S, Needs, 'always'> extends true
      ? Needs
      : never
    : [PartOf<S, Needs, 'onError'>] extends [never]
      ? Needs
      : never
  : never;

/** The other steps before: what else was before the needs, and the steps that handle their errors. */
type MaybeOf<S extends Shape, Name extends string, Needs extends string, Mode> = Exclude<
  | Needs
  | (PartOf<S, Needs | HandledBy<S, Name>, 'sure' | 'maybe'> & string)
  | Extract<PartOf<S, Needs, 'onError'>, StepNames<S>>,
  SureOf<S, Name, Needs, Mode>
>;

/** The step whose failure this one handles. */
type HandledBy<S extends Shape, Name extends string> =
  Name extends HandlersIn<S> ? HandledIn<S['steps'], Name> : never;

type HandledIn<Step extends StepShape, Name> = Step extends unknown
  ? [Step['onError']] extends [never]
    ? never
    : Name extends Step['onError']
      ? Step['name']
      : never
  : never;

type AlwaysOf<S extends Shape, Name extends string, Needs extends string, W extends Way> = [
  W['when'],
  W['onError'],
  Name & HandlersIn<S>,
] extends [never, never, never]
  ? W['mode'] extends 'run'
    ? true
    : [Needs] extends [AlwaysIn<S>]
      ? true
      : false
  : false;

type AlwaysIn<S extends Shape> = Extract<S['steps'], { readonly always: true }>['name'];

type HandlersIn<S extends Shape> = S['steps']['onError'];

// Merging goes by entries [key, value, is it always there], because a mapped type joins those of one key in one pass.
type EntriesIn<S extends Shape, N extends string> = N extends string
  ? EntriesOfOutput<PartOf<S, N, 'output'>>
  : never;

type Entry = readonly [key: PropertyKey, value: unknown, isSure: boolean];

/** What merging sees of an output: objects; anything else adds nothing. A key that not all alternatives have is not sure. */
type EntriesOfOutput<T> = [Extract<T, object>] extends [never]
  ? never
  : EntriesOf<
      Exclude<Extract<T, object>, readonly unknown[]>,
      [Exclude<T, object> | Extract<T, readonly unknown[]>] extends [never] ? keyof T : never
    >;

type EntriesOf<Union, Common> = Union extends unknown
  ? {
      readonly [K in keyof Union]-?: readonly [
        K,
        Exclude<Union[K], undefined>,
        string extends K ? false : K extends Common ? IsRequired<Union, K> : false,
      ];
    }[keyof Union]
  : never;

type IsRequired<T, K extends keyof T> = object extends Pick<T, K> ? false : true;

/** `Sure` laid over `Input`, then `Maybe` over both; a key that several may write is of any of their types. */
type Laid<Input, Sure extends Entry, Maybe extends Entry> = Joined<
  Sure | ExceptKeys<EntriesOf<Input, keyof Input>, RequiredKey<Sure>>,
  Maybe
>;

type Joined<Sure extends Entry, Maybe extends Entry> = Pieced<
  { readonly [E in Sure | Maybe as E[0]]: E[1] },
  RequiredKey<Sure>
>;

// An index signature (the keys of a workflow without a schema) is neither required nor optional.
type Pieced<Values, Required> = Flat<
  {
    readonly [K in keyof Values as IsOpen<K> extends true ? K : never]: Values[K];
  } & {
    readonly [K in keyof Values as K extends Required ? K : never]: Values[K];
  } & {
    readonly [
      K in keyof Values as K extends Required ? never : IsOpen<K> extends true ? never : K
    ]?: Values[K];
  }
>;

type IsOpen<K> = string extends K ? true : number extends K ? true : false;

type RequiredKey<E extends Entry> = E extends readonly [infer K, unknown, true] ? K : never;

type ExceptKeys<E extends Entry, Keys> = E extends readonly [Keys, unknown, boolean] ? never : E;

/** One object type instead of an intersection: what an editor shows. */
type Flat<T> = { [K in keyof T]: T[K] };
