/**
 * Which errors of MySQL pass by themselves. Whoever sees one of them may send the identical statement again, because every
 * statement of this folder is idempotent.
 */
export function isPassing(error: unknown): boolean {
  return isLockFailure(error) || isConnectionFailure(error);
}

/** Another transaction won; the connection is fine. */
export function isLockFailure(error: unknown): boolean {
  return lockNumbers.has(numberOf(error));
}

/** No answer, or a server that cannot take writes now. The connection is of no more use: a new one may lead to another server. */
export function isConnectionFailure(error: unknown): boolean {
  if (connectionNumbers.has(numberOf(error)) || connectionCodes.has(codeOf(error))) return true;
  // mysql2 gives no code to commands that meet a connection it has given up.
  return (
    error instanceof Error && 'fatal' in error && error.fatal === true && numberOf(error) === 0
  );
}

export function isDuplicate(error: unknown): boolean {
  return numberOf(error) === 1062;
}

/** What to do about a server that cannot be used, as the end of a sentence; empty when its error says it. */
export function remedyOf(error: unknown, database: string): string {
  switch (numberOf(error)) {
    case 1049:
      return `; create it first: CREATE DATABASE \`${database}\``;
    case 1044:
    case 1045:
      return `; correct the user and the password, or grant that user all on ${database}.*`;
    default:
      return '';
  }
}

/** The server did not answer within the statement's limit; whether it ran is unknown. */
export class StatementTimeoutError extends Error {
  override readonly name = 'StatementTimeoutError';
  readonly code = 'STATEMENT_TIMEOUT';

  constructor(limitMs: number) {
    super(`MySQL did not answer within ${limitMs} ms`);
  }
}

const lockNumbers = new Set([
  1020, // record has changed since last read (innodb_snapshot_isolation)
  1205, // lock wait timeout
  1213, // deadlock
]);

const connectionNumbers = new Set([
  1021, // disk full
  1114, // table full, which is how a full disk shows in InnoDB
  1040, // too many connections
  1053, // server shutdown in progress
  1158, // network read error
  1159, // network read timeout
  1160, // network write error
  1161, // network write timeout
  1290, // running with --read-only or --super-read-only: a primary that was demoted
  1317, // query interrupted
  1792, // read-only transaction
  1836, // read-only mode
  1927, // connection was killed (MariaDB)
  2006, // server has gone away
  2013, // connection lost during the query
  3100, // group replication refused the commit
  3169, // session was killed (MySQL)
  4031, // disconnected for inactivity (MySQL)
]);

const connectionCodes = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'STATEMENT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  // The socket file of a server that is down.
  'ENOENT',
]);

function numberOf(error: unknown): number {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number'
    ? Math.max(error.errno, 0)
    : 0;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
