import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { z } from 'zod';

import { didYouMean } from '#actors/did-you-mean.ts';
import type { NodeOptions } from '#cluster/node-options.ts';

import {
  type Given,
  layers,
  type Told,
  treeOf,
  valuesOfEnvironment,
  valuesOfFile,
} from './config-layers.ts';
import { notesOn } from './config-notes.ts';
import { allKeys, schema } from './config-schema.ts';

/** What a node is started with. */
export type Config = z.infer<typeof schema>;

export interface ConfigSources {
  /** A YAML file. */
  readonly file?: string | undefined;
  /** `TEMJOB__SECTION__KEY` goes before the file. */
  readonly env: NodeJS.ProcessEnv;
  /** Options of the command line go before all. */
  readonly flags?: readonly Flag[];
}

export interface Flag {
  /** As the user wrote it: `--modules`. */
  readonly name: string;
  /** `node.modules` */
  readonly key: string;
  readonly value: unknown;
}

export interface Configuration {
  readonly config: Config;
  /** By key: what was given, and where. What is not here is by default. */
  readonly given: ReadonlyMap<string, Given>;
  /** What was given and has no effect, one sentence each. */
  readonly notes: readonly string[];
}

/** The configuration is wrong: every problem, where it stands, and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Lays the file over the defaults, the environment over the file, the flags over all, and checks it. Throws `ConfigError`. */
export function readConfig({ file, env, flags = [] }: ConfigSources): Configuration {
  const secrets = new Set(allKeys().flatMap(({ key, facts }) => (facts.secret ? [key] : [])));
  const inFile = file === undefined ? null : valuesOfFile(file);
  const told: readonly Told[] = [
    ...(inFile === null ? [] : [inFile]),
    valuesOfEnvironment(env, (key) => secrets.has(key)),
    { given: flags.map(givenByFlag), problems: [] },
  ];
  const { tree, given, problems } = treeOf(told.flatMap((one) => one.given));
  const unread = [...told.flatMap((one) => one.problems), ...problems];
  const newest = new Map(
    given.toSorted((a, b) => a.layer - b.layer).map((one) => [one.path.join('.'), one]),
  );
  const origin = (path: readonly string[]): string =>
    originOf(path, newest, inFile?.places ?? new Map());
  const checked = schema.safeParse(tree);
  const wrong = [
    ...unread,
    ...(checked.error?.issues ?? []).flatMap((issue) => explain(issue, origin)),
  ];
  if (checked.success) wrong.push(...contradictions(checked.data, origin));
  if (!checked.success || wrong.length > 0) throw new ConfigError(wrong);
  return { config: checked.data, given: newest, notes: notesOn(newest) };
}

export function redisUrl({ redis }: Config): string {
  if (redis.url) return redis.url;
  const password = redis.password === '' ? '' : `:${encodeURIComponent(redis.password)}@`;
  return `redis://${password}${hostOf(redis)}:${redis.port ?? 6379}/${redis.db}`;
}

export function mysqlUrl({ database: { mysql } }: Config): string {
  if (mysql.url) return mysql.url;
  const { user, password, port, database } = mysql;
  const secret = password === '' ? '' : `:${encodeURIComponent(password)}`;
  return `mysql://${encodeURIComponent(user)}${secret}@${hostOf(mysql)}:${port ?? 3306}/${encodeURIComponent(database)}`;
}

/** The servers that somebody has named, by a URL or a part of one that is not empty. */
export function namedServers(config: Config): { readonly redis?: string; readonly mysql?: string } {
  return {
    ...(isNamed(config.redis) && { redis: redisUrl(config) }),
    ...(isNamed(config.database.mysql) && { mysql: mysqlUrl(config) }),
  };
}

/** A node on nothing but defaults is hardly what anybody wants: throws `ConfigError` when nobody has named a server or a file. */
export function requireServers(config: Config, file: string | undefined): void {
  if (file !== undefined || Object.keys(namedServers(config)).length > 0) return;
  const here = existsSync('config.yaml')
    ? ' There is a config.yaml here: --config config.yaml.'
    : '';
  throw new ConfigError([
    `no server is named: give a file with --config, or set TEMJOB__REDIS__URL and TEMJOB__DATABASE__MYSQL__URL.${here}`,
    'to try TemJob out on servers of its own, run "temjob dev"',
  ]);
}

/** The modules as URLs that every thread can import. */
export function moduleUrls({ node }: Config): readonly string[] {
  return node.modules.map((path) =>
    path.startsWith('file:') ? path : pathToFileURL(resolve(path)).href,
  );
}

/** What a node is to be, as far as the configuration says. */
export function nodeOptions(config: Config): NodeOptions {
  const { worker, engine } = config;
  return {
    name: config.node.name,
    redis: redisUrl(config),
    redisPrefix: config.redis.prefix,
    mysql: mysqlUrl(config),
    mysqlPoolSize: config.database.mysql.pool_size,
    shards: config.cluster.shards,
    modules: moduleUrls(config),
    concurrency: worker.concurrency,
    ...(worker.threads === undefined ? {} : { threads: worker.threads }),
    isolatedThreads: worker.isolated_threads,
    cancelGraceMs: worker.cancel_grace,
    ...limitsOf(config),
    drainGraceMs: engine.drain_grace,
    retentionMs: engine.retention,
    dev: config.node.dev,
  };
}

/** Only what somebody has said: otherwise the definitions say it. Each is checked by itself, as a spread would hide a wrong name. */
function limitsOf({ worker, engine }: Config): Partial<NodeOptions> {
  const { timeout, retry_delay: retryDelay } = worker;
  const { max_workflow_timeout: longest } = engine;
  const attempts: Partial<NodeOptions> =
    timeout === undefined ? {} : { defaultStartToCloseMs: timeout };
  const retries: Partial<NodeOptions> =
    retryDelay === undefined ? {} : { defaultRetryIntervalMs: retryDelay };
  const workflows: Partial<NodeOptions> =
    longest === undefined ? {} : { maxWorkflowTimeoutMs: longest };
  return { ...attempts, ...retries, ...workflows };
}

/** Who may come to the door, and how often, as far as the configuration says. */
export function doorOptions({ server, node }: Config) {
  const { requests, window } = server.rate_limit;
  const isLimited = requests > 0 && server.auth.keys.length > 0;
  return {
    host: server.host,
    port: server.port,
    dev: node.dev,
    keys: server.auth.keys,
    allowedOrigins: server.allowed_origins,
    trustedProxies: server.trusted_proxies,
    maxConnections: server.max_connections,
    // Whoever needs no key is on this machine, and is the one whose machine it is.
    rateLimit: isLimited ? { requests, windowMs: window } : null,
  };
}

const localhost = '127.0.0.1';

interface Server {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

function isNamed(server: Server): boolean {
  return Boolean(server.url || server.host) || server.port !== undefined;
}

function hostOf({ host }: Server): string {
  if (!host) return localhost;
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function givenByFlag({ name, key, value }: Flag): Given {
  return { path: key.split('.'), value, origin: name, layer: layers.flag };
}

/** What no key shows alone. */
function contradictions(config: Config, origin: OriginOf): readonly string[] {
  const problems: string[] = [];
  const { logging, server } = config;
  if (logging.output === 'file' && !logging.file_path) {
    problems.push(
      `${origin(['logging', 'output'])}: logging.output is file, so logging.file_path has to say which`,
    );
  }
  const names = server.auth.keys.map(({ name }) => name);
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) {
    problems.push(
      `${origin(['server', 'auth', 'keys'])}: server.auth.keys: two keys have the name ${JSON.stringify(name)}`,
    );
  }
  return problems;
}

type OriginOf = (path: readonly string[]) => string;

function explain(issue: z.core.$ZodIssue, origin: OriginOf): readonly string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const whole = [...path, key];
      return `${origin(whole)}: ${whole.join('.')}: there is no such key.${didYouMean(key, known)}`;
    });
  }
  return [`${origin(path)}: ${path.join('.')}: ${issue.message}`];
}

/** Where the value stands that has this path or, when the path is that of a section, one of its values. */
function originOf(
  path: readonly string[],
  given: ReadonlyMap<string, Given>,
  places: ReadonlyMap<string, string>,
): string {
  for (let length = path.length; length > 0; length -= 1) {
    const key = path.slice(0, length).join('.');
    const one = given.get(key);
    if (one !== undefined) return one.origin;
    const list = given.get(key.replace(/\.\d+(\..*)?$/, ''));
    const place = list?.layer === layers.file ? places.get(key) : undefined;
    if (place !== undefined) return place;
  }
  const section = `${path.join('.')}.`;
  for (const [key, { origin }] of given) if (key.startsWith(section)) return origin;
  return 'by default';
}

/** The keys that a section may have. */
function keysAt(path: readonly string[]): readonly string[] {
  let at: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const key of path) {
    const { properties, items } = partsOf(at);
    at = /^\d+$/.test(key) ? items : partsOf(properties)[key];
  }
  return Object.keys(partsOf(partsOf(at)['properties']));
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? { ...value } : {};
}
