import { isIP } from 'node:net';
import { hostname } from 'node:os';

import { parse } from 'yaml';
import { z } from 'zod';

import { parseDuration } from '#actors/duration.ts';

/** What is to be known of a key besides what it may be. */
interface KeyFacts {
  /** Is shown to nobody, and may be in a file that `…_FILE` names. */
  readonly secret?: true;
  /** Milliseconds, written and shown as `1h30m`. */
  readonly duration?: true;
}

export const keyFacts = z.registry<KeyFacts>();

// ---- kinds of values: what the environment says is always text ----

/** A value as `read` takes it from what was written; `read` throws what to say when it cannot. */
function value<Value>(read: (written: unknown) => Value) {
  return z.unknown().transform((written, context) => {
    try {
      return read(written);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });
}

const text = z.string({ error: 'must be text: put it in quotes' });

const whole = (least: number, most: number) =>
  value((written) => {
    const isNumeral = typeof written === 'string' && /^\d+$/.test(written);
    const number = isNumeral ? Number(written) : written;
    const fits = typeof number === 'number' && Number.isInteger(number);
    if (fits && number >= least && number <= most) return number;
    throw new RangeError(
      `must be a whole number from ${least} to ${most}, not ${JSON.stringify(written)}`,
    );
  });

const flag = value((written) => {
  if (written === true || written === 'true' || written === '1') return true;
  if (written === false || written === 'false' || written === '0') return false;
  throw new TypeError(`must be true or false, not ${JSON.stringify(written)}`);
});

const list = z.union(
  [
    z.array(z.string()),
    z.string().transform((written) =>
      written
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    ),
  ],
  { error: 'must be a list of texts, or one text with commas' },
);

function listOf(fits: (one: string) => boolean, complaint: string) {
  return list.superRefine((items, context) => {
    for (const item of items) {
      if (fits(item)) continue;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(item)} ${complaint}` });
    }
  });
}

function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, {
    error: ({ input }) => `must be one of ${names.join(', ')}, not ${JSON.stringify(input)}`,
  });
}

const duration = (leastMs = 0) =>
  value((written) => {
    if (typeof written !== 'string' && typeof written !== 'number') {
      throw new TypeError(`must be a duration like 30s or 1h30m, not ${JSON.stringify(written)}`);
    }
    const isNumeral = typeof written === 'string' && /^\d+$/.test(written);
    const ms = parseDuration(isNumeral ? Number(written) : written);
    if (ms < leastMs) throw new RangeError('must be more than zero');
    return ms;
  });

const durationOr = (otherwise: number, leastMs?: number) =>
  duration(leastMs).default(otherwise).register(keyFacts, { duration: true });

const optionalDuration = (leastMs?: number) =>
  duration(leastMs).optional().register(keyFacts, { duration: true });

const port = whole(0, 65_535);
const count = whole(1, 1_000_000);

/** It holds a password: nothing of it may be in the message. */
function serverUrl(protocols: readonly string[], example: string) {
  const fits = (url: string): boolean =>
    url === '' || (URL.canParse(url) && protocols.includes(new URL(url).protocol));
  return text
    .refine(fits, {
      error: `is no such URL: write it like ${example}, with the special characters of the password as %40 and the like`,
    })
    .optional()
    .register(keyFacts, { secret: true });
}

const password = text.default('').register(keyFacts, { secret: true });

// ---- the keys ----

const apiKey = z.strictObject({
  name: text.regex(/^[A-Za-z0-9_.@-]{1,64}$/, 'must be 1 to 64 letters, digits and _ . @ -'),
  sha256: text
    .regex(
      /^[0-9a-fA-F]{64}$/,
      'must be the SHA-256 of the key, as 64 hexadecimal digits: "temjob key create" prints it',
    )
    .transform((hex) => hex.toLowerCase()),
  scopes: z
    .array(oneOf(['read', 'operate', 'admin']), { error: 'must be a list of scopes' })
    .min(1, 'must have at least one of read, operate, admin'),
});

const apiKeys = z.preprocess(
  (written) => (typeof written === 'string' ? listIn(written) : written),
  z.array(apiKey, { error: 'must be a list of keys, each with name, sha256 and scopes' }),
);

/** Of the environment, where a list is JSON, or of a secret's file, where it may be YAML, too. */
function listIn(written: string): unknown {
  try {
    return parse(written);
  } catch {
    return written;
  }
}

const origins = listOf(
  isOrigin,
  'is no origin: write scheme, host and port only, like https://ops.example.com',
);

function isOrigin(written: string): boolean {
  const isWeb = /^https?:/.test(written) && URL.canParse(written);
  return isWeb && new URL(written).origin === written;
}

const proxies = listOf(
  isNetwork,
  'is no address: write one like 10.0.0.7 or 10.0.0.0/8, or loopback, linklocal or uniquelocal',
);

function isNetwork(written: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(written)) return true;
  const [address = '', bits, ...more] = written.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Every key of a configuration, with what it may be and what it is when nobody says. */
export const schema = z.strictObject({
  database: z
    .strictObject({
      mysql: z
        .strictObject({
          /** Instead of the fields below. */
          url: serverUrl(['mysql:', 'mariadb:'], 'mysql://user:password@host:3306/temjob'),
          host: text.optional(),
          port: port.optional(),
          user: text.default('root'),
          password,
          database: text.default('temjob'),
          /** Connections besides those of the commits. */
          pool_size: whole(2, 1_000).default(10),
          charset: text.optional(),
          parse_time: flag.optional(),
          loc: text.optional(),
        })
        .prefault({}),
    })
    .prefault({}),
  redis: z
    .strictObject({
      /** Instead of the fields below. */
      url: serverUrl(['redis:', 'rediss:', 'unix:'], 'redis://:password@host:6379/0'),
      host: text.optional(),
      port: port.optional(),
      password,
      db: whole(0, 1_000_000).default(0),
      prefix: text.default('temjob:'),
      pool_size: whole(0, 1_000_000).optional(),
      max_retries: whole(0, 1_000_000).optional(),
      min_idle_conns: whole(0, 1_000_000).optional(),
    })
    .prefault({}),
  server: z
    .strictObject({
      host: text.default('127.0.0.1'),
      port: port.default(8088),
      mode: oneOf(['debug', 'release', 'test']).optional(),
      auth: z
        .strictObject({
          /** Who may come in. Without any the door answers to this machine alone. */
          keys: apiKeys.default([]).register(keyFacts, { secret: true }),
        })
        .prefault({}),
      /** Pages of these origins may call the API: `https://console.example.com`. */
      allowed_origins: origins.default([]),
      /** Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: `10.0.0.0/8`, `loopback`. */
      trusted_proxies: proxies.default([]),
      /** Of each key, and of each address without one, at one node; requests: 0 for no limit. */
      rate_limit: z
        .strictObject({
          requests: whole(0, 1_000_000).default(600),
          window: durationOr(10_000, 1),
        })
        .prefault({}),
      /** Of requests and pages together, at once. */
      max_connections: whole(10, 1_000_000).default(10_000),
    })
    .prefault({}),
  metrics: z.strictObject({ enabled: flag.default(true) }).prefault({}),
  cluster: z.strictObject({ shards: whole(1, 4_096).default(256) }).prefault({}),
  node: z
    .strictObject({
      name: text
        .regex(/^[A-Za-z0-9_.-]{1,40}$/, 'must be 1 to 40 letters, digits and _ . -')
        .default(
          hostname()
            .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
            .slice(0, 40) || 'node',
        ),
      /** Files of task modules, relative to the working directory. */
      modules: list.default([]),
      /** Runs the samples when the cluster has never run a workflow. */
      samples: oneOf(['first-start']).optional(),
      dev: flag.default(false),
    })
    .prefault({}),
  worker: z
    .strictObject({
      /** Attempts that run at once on a node. */
      concurrency: count.default(128),
      /** How long one attempt may take, when its step does not say. */
      timeout: optionalDuration(1),
      /** The pause before the first retry, when the step does not say. */
      retry_delay: optionalDuration(),
      threads: count.optional(),
      isolated_threads: count.default(2),
      cancel_grace: durationOr(5_000),
    })
    .prefault({}),
  engine: z
    .strictObject({
      monitor_interval: optionalDuration(),
      /** No workflow may take longer, whatever its definition says. */
      max_workflow_timeout: optionalDuration(1),
      /** How long running tasks may go on when the node stops. */
      drain_grace: durationOr(25_000),
      /** How long ended workflows are kept. */
      retention: durationOr(30 * 24 * 3_600_000),
    })
    .prefault({}),
  logging: z
    .strictObject({
      level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      format: oneOf(['json', 'console', 'text']).default('json'),
      /** stdout, stderr, file, or the path of one. */
      output: text.default('stdout'),
      file_path: text.optional(),
      /** Megabytes after which a new file is begun. */
      max_size: count.default(100),
      /** Files that are kept besides the current one; 0 for all. */
      max_backups: whole(0, 100_000).default(7),
      /** Days after which a file is removed; 0 for never. */
      max_age: whole(0, 100_000).default(30),
    })
    .prefault({}),
});

/** The keys of the schema, in its order, with what is to be known of each. */
export function allKeys(): readonly { readonly key: string; readonly facts: KeyFacts }[] {
  return keysBelow(schema, []);
}

function keysBelow(
  section: z.core.$ZodType,
  path: readonly string[],
): readonly { readonly key: string; readonly facts: KeyFacts }[] {
  const inner = section instanceof z.ZodPrefault ? section.unwrap() : section;
  if (!(inner instanceof z.ZodObject)) {
    return [{ key: path.join('.'), facts: keyFacts.get(section) ?? {} }];
  }
  return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([name, below]) =>
    keysBelow(below, [...path, name]),
  );
}
