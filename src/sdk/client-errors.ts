import type { Failure } from '#actors/failure.ts';

/** The workflow whose result was waited for has failed. */
export class WorkflowFailedError extends Error {
  override readonly name = 'WorkflowFailedError';
  readonly workflowId: string;
  readonly failure: Failure;
  /** The step that failed for good; null when it was the workflow as a whole, by its timeout. */
  readonly step: string | null;

  constructor(workflowId: string, failure: Failure) {
    const { step = null, name, message } = failure;
    const place = step === null ? '' : ` at step "${step}"`;
    super(`workflow ${workflowId} failed${place}: ${name}: ${message}`);
    this.workflowId = workflowId;
    this.failure = failure;
    this.step = step;
  }
}

/** The workflow whose result was waited for was canceled. */
export class WorkflowCanceledError extends Error {
  override readonly name = 'WorkflowCanceledError';
  readonly workflowId: string;
  readonly reason: string;

  constructor(workflowId: string, reason: string) {
    super(`workflow ${workflowId} was canceled: ${reason}`);
    this.workflowId = workflowId;
    this.reason = reason;
  }
}

/** A client that speaks HTTP was asked for what only a program that is itself a node can do. */
export class NotANodeError extends Error {
  override readonly name = 'NotANodeError';

  constructor(call: string) {
    super(
      `${call}() needs a program that is a node of the cluster, and this client only speaks HTTP to one. Connect with connect({ redis, mysql }), or make the call in the program of a node.`,
    );
  }
}

/** The door asks for an API key, or for one that may do more. */
export class NotPermittedError extends Error {
  override readonly name = 'NotPermittedError';
  /** `UNAUTHENTICATED`: no key, or one that nobody knows. `FORBIDDEN`: a key without the scope. */
  readonly code: 'UNAUTHENTICATED' | 'FORBIDDEN';

  constructor(code: 'UNAUTHENTICATED' | 'FORBIDDEN', message: string) {
    super(message);
    this.code = code;
  }
}
