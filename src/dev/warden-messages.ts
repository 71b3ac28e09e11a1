/** What the parent asks of its warden. */
export type Order =
  | { readonly type: 'run'; readonly id: number; readonly program: Program }
  | { readonly type: 'end'; readonly id: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'guard'; readonly pid: number }
  | { readonly type: 'release'; readonly pid: number };

/** What the warden tells its parent. */
export type Report =
  | { readonly type: 'started'; readonly id: number; readonly pid: number }
  | { readonly type: 'not-started'; readonly id: number; readonly message: string }
  | ({ readonly type: 'exited'; readonly id: number } & Exit);

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** A file; stdout and stderr are added to its end. */
  readonly log: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// Both ends are this very version of this folder and the channel is private: the type tells the rest.
export function isOrder(value: unknown): value is Order {
  return hasType(value, ['run', 'end', 'guard', 'release']);
}

export function isReport(value: unknown): value is Report {
  return hasType(value, ['started', 'not-started', 'exited']);
}

function hasType(value: unknown, types: readonly string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    types.includes(value.type)
  );
}
