import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { parse } from 'yaml';
import { z } from 'zod';

import { didYouMean } from '#actors/did-you-mean.ts';
import { parseDuration } from '#actors/duration.ts';

/** What a node is started with: defaults < file < environment (`TEMJOB__SECTION__KEY`). */
export type Config = z.infer<typeof schema>;

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(1);
const flag = z.union([
  z.boolean(),
  z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true'),
]);
/** Milliseconds, from a number of them or from text like `30s`. */
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return parseDuration(value);
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: error instanceof Error ? error.message : String(error),
    });
    return z.NEVER;
  }
});
const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  ),
]);

const schema = z.strictObject({
  database: z
    .strictObject({
      mysql: z
        .strictObject({
          /** Instead of the fields below. */
          url: z.string().optional(),
          host: z.string().optional(),
          port: port.optional(),
          user: z.string().default('root'),
          password: z.string().default(''),
          database: z.string().default('temjob'),
        })
        .prefault({}),
    })
    .prefault({}),
  redis: z
    .strictObject({
      /** Instead of the fields below. */
      url: z.string().optional(),
      host: z.string().optional(),
      port: port.optional(),
      password: z.string().default(''),
      db: z.coerce.number().int().min(0).default(0),
      prefix: z.string().default('temjob:'),
    })
    .prefault({}),
  server: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(8088),
    })
    .prefault({}),
  cluster: z.strictObject({ shards: count.max(4_096).default(256) }).prefault({}),
  node: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,40}$/, '1 to 40 letters, digits and _ . -')
        .default(
          hostname()
            .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
            .slice(0, 40) || 'node',
        ),
      /** Files of task modules, relative to the working directory. */
      modules: list.default([]),
      /** Runs the samples when the cluster has never run a workflow. */
      samples: z.enum(['first-start']).optional(),
      dev: flag.default(false),
    })
    .prefault({}),
  worker: z
    .strictObject({
      /** Attempts that run at once on a node. */
      concurrency: count.default(128),
      threads: count.optional(),
      isolated_threads: count.default(2),
      cancel_grace: duration.prefault('5s'),
    })
    .prefault({}),
  engine: z
    .strictObject({
      /** How long running tasks may go on when the node stops. */
      drain_grace: duration.prefault('25s'),
      /** How long ended workflows are kept. */
      retention: duration.prefault('30d'),
    })
    .prefault({}),
  logging: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
      format: z.enum(['json', 'console']).default('json'),
    })
    .prefault({}),
});

/** The configuration is wrong: every problem, where it stands, and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(problems: readonly string[]) {
    super(
      `The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/** Reads the file, lays the environment over it, checks it all. Throws `ConfigError`. */
export function readConfig(options: {
  readonly file?: string;
  readonly env: NodeJS.ProcessEnv;
}): Config {
  const told = options.file === undefined ? {} : readFile(options.file);
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options.env)) {
    if (value === undefined || !name.startsWith(prefix)) continue;
    set(told, name.slice(prefix.length).toLowerCase().split('__'), value, name, problems);
  }
  const checked = schema.safeParse(told);
  if (checked.success && problems.length === 0) return checked.data;
  throw new ConfigError([...problems, ...(checked.error?.issues ?? []).flatMap(explain)]);
}

export function redisUrl({ redis }: Config): string {
  if (redis.url) return redis.url;
  const password = redis.password === '' ? '' : `:${encodeURIComponent(redis.password)}@`;
  return `redis://${password}${redis.host || localhost}:${redis.port ?? 6379}/${redis.db}`;
}

export function mysqlUrl({ database: { mysql } }: Config): string {
  if (mysql.url) return mysql.url;
  const { user, password, host, port: mysqlPort, database } = mysql;
  const secret = password === '' ? '' : `:${encodeURIComponent(password)}`;
  return `mysql://${encodeURIComponent(user)}${secret}@${host || localhost}:${mysqlPort ?? 3306}/${database}`;
}

/** The servers that somebody has named, by a URL or a part of one that is not empty. */
export function namedServers(config: Config): { readonly redis?: string; readonly mysql?: string } {
  return {
    ...(isNamed(config.redis) && { redis: redisUrl(config) }),
    ...(isNamed(config.database.mysql) && { mysql: mysqlUrl(config) }),
  };
}

/** The modules as URLs that every thread can import. */
export function moduleUrls({ node }: Config): readonly string[] {
  return node.modules.map((path) =>
    path.startsWith('file:') ? path : pathToFileURL(resolve(path)).href,
  );
}

const prefix = 'TEMJOB__';
const localhost = '127.0.0.1';

function isNamed(server: Config['redis'] | Config['database']['mysql']): boolean {
  return Boolean(server.url || server.host) || server.port !== undefined;
}

type Tree = { [key: string]: unknown };

function readFile(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  let told: unknown;
  try {
    told = parse(text) ?? {};
  } catch (error) {
    throw new ConfigError([
      `${file} is not YAML: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  if (!isTree(told)) throw new ConfigError([`${file} has to hold sections, like "server:"`]);
  return told;
}

function set(
  tree: Tree,
  path: readonly string[],
  value: string,
  name: string,
  problems: string[],
): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = (tree[key] ??= {});
  if (isTree(below)) set(below, rest, value, name, problems);
  else problems.push(`${name}: ${key} is a value in the file, not a section`);
}

function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function explain(issue: z.core.$ZodIssue): readonly string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map(
      (key) => `${[...path, key].join('.')}: there is no such key.${didYouMean(key, known)}`,
    );
  }
  return [`${path.join('.') || 'the file'}: ${issue.message}`];
}

/** The keys that a section may have: those of its defaults, which hold all but the optional ones. */
function keysAt(path: readonly string[]): readonly string[] {
  let at: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const key of path)
    at = isTree(at) && isTree(at['properties']) ? at['properties'][key] : undefined;
  return isTree(at) && isTree(at['properties']) ? Object.keys(at['properties']) : [];
}
