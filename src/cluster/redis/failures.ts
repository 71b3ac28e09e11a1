/**
 * Whether an error of a Redis call will pass without anyone changing anything: the connection was lost, the server is
 * starting, failing over, busy or out of memory. The call may or may not have been carried out; every call here may be
 * made again. Any other error is a bug or a wrong setting.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && networkCodes.has(error.code))
    return true;
  return connectionTrouble.test(error.message) || serverTrouble.test(error.message);
}

/** Whether the server does not know a script by its hash: it was restarted, flushed or replaced. */
export function isUnknownScript(error: Error): boolean {
  return error.message.startsWith('NOSCRIPT');
}

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // a unix socket whose server is down
]);

// What ioredis itself says; it has no codes for these.
const connectionTrouble =
  /^(Connection is closed|Stream isn't writeable|Reached the max retries per request|Command aborted due to connection close|Socket timeout|Command timed out|connect ETIMEDOUT|Connection reset)/;

// Before Redis 7 an error inside a script stands in the middle of the message, after a dash.
const serverTrouble =
  /(?:^|\s-)(LOADING|READONLY|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|MISCONF|OOM|UNBLOCKED)\b/;
