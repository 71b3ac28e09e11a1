/** What is wrong with a definition; stable, for programs. The message is for people. */
export type DefinitionErrorCode =
  | 'BAD_NAME'
  | 'BAD_INPUT_SCHEMA'
  | 'BAD_PRIORITY'
  | 'BAD_RETRY'
  | 'BAD_STEP'
  | 'BAD_TIMEOUT'
  | 'CYCLE'
  | 'DUPLICATE_NEED'
  | 'DUPLICATE_STEP'
  | 'DUPLICATE_TASK'
  | 'EMPTY'
  | 'MISSING_HANDLER'
  | 'SHARED_ERROR_STEP'
  | 'TWO_HANDLERS'
  | 'UNKNOWN_ERROR_STEP'
  | 'UNKNOWN_NEED';

/** Where the culprit is, and what the message says of it: what, why, and how to fix it. */
export interface DefinitionProblem {
  readonly code: DefinitionErrorCode;
  /** `workflow "orders"`, `task "charge"`, `actor "cart"`. */
  readonly where: string;
  readonly step?: string;
  readonly message: string;
}

/** A definition cannot work as it is written. Thrown while it is being defined, never while it runs. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly code: DefinitionErrorCode;
  /** The step at fault, when one is. */
  readonly step: string | null;

  constructor(problem: DefinitionProblem, options?: ErrorOptions) {
    const step = problem.step === undefined ? '' : `, step "${problem.step}"`;
    super(`${problem.where}${step}: ${problem.message}`, options);
    this.code = problem.code;
    this.step = problem.step ?? null;
  }
}
