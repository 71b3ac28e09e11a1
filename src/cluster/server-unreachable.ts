/** A server of the node does not answer, or does not let it in: the message says which, where, and why. */
export class ServerUnreachableError extends Error {
  override readonly name = 'ServerUnreachableError';
  readonly code = 'SERVER_UNREACHABLE';
}
