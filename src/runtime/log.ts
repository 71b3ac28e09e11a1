import { type DestinationStream, type Logger, pino } from 'pino';

import { type Config, ConfigError } from './config.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { redacted, secretsIn } from './redaction.ts';

/** The logger of a node: JSON lines, or lines for people; to a stream, or to files that rotate. Every line is free of secrets. */
export async function openLog(config: Config): Promise<Logger> {
  const { level } = config.logging;
  return pino(
    {
      level,
      base: { node: config.node.name },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => shownError(error) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    await openStream(config),
  );
}

const secretFields = ['password', 'token', 'authorization', 'cookie'];

async function openStream(config: Config): Promise<DestinationStream> {
  const { mysql } = config.database;
  const secrets = secretsIn([mysql.url, mysql.password, config.redis.url, config.redis.password]);
  const out = await openOutput(config);
  const shape = await shaperOf(config);
  return { write: (line) => out.write(shape(redacted(line, secrets))) };
}

async function openOutput({ logging }: Config): Promise<LogFile> {
  switch (logging.output) {
    case 'stdout':
      return pino.destination({ fd: 1, sync: true });
    case 'stderr':
      return pino.destination({ fd: 2, sync: true });
    default:
      return await openFile(logging);
  }
}

async function openFile(logging: Config['logging']): Promise<LogFile> {
  const isNamed = logging.output === 'file';
  const path = isNamed ? (logging.file_path ?? '') : logging.output;
  try {
    return await openLogFile({
      path,
      maxSizeMb: logging.max_size,
      maxBackups: logging.max_backups,
      maxAgeDays: logging.max_age,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const key = isNamed ? 'logging.file_path' : 'logging.output';
    throw new ConfigError([`${key}: the log cannot be written to ${path}: ${why}`]);
  }
}

async function shaperOf({ logging }: Config): Promise<(line: string) => string> {
  if (logging.format === 'json') return (line) => line;
  const { prettyFactory } = await import('pino-pretty');
  const isTerminal =
    (logging.output === 'stdout' && process.stdout.isTTY) ||
    (logging.output === 'stderr' && process.stderr.isTTY);
  const colorize = isTerminal && !process.env['NO_COLOR'];
  return prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l' });
}

interface ShownError {
  readonly type: string;
  readonly message: string;
  readonly code?: unknown;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** Nothing but what is named here: drivers hang the statement, its values or the password of AUTH on their errors. */
function shownError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const shown: ShownError = {
    type: name,
    message,
    ...('code' in error ? { code: error.code } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth >= 3 ? {} : { cause: shownError(cause, depth + 1) }),
  };
  return shown;
}
