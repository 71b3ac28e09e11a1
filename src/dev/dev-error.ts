/** What the world can cause when development mode starts: its message is for the user, and there is no bug to trace. */
export abstract class DevError extends Error {
  abstract readonly code: string;
  readonly exitCode: number = 1;
}
