import type { Logger } from 'pino';

/** What the door needs of a logger. */
export type DoorLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
