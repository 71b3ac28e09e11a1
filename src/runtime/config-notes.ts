import type { Given } from './config-layers.ts';

/** What is given and has no effect, with why and what to use instead; one sentence each, for the log of a start. */
export function notesOn(given: ReadonlyMap<string, Given>): readonly string[] {
  return [
    ...keysWithoutMeaning(given),
    ...partsBesideUrl(given),
    ...fileSettingsWithoutFile(given),
  ];
}

/** Keys of the configuration of TemJob for Go that mean nothing here; `unless` is the one value that is what happens anyway. */
export const withoutMeaning: Readonly<Record<string, { why: string; unless?: unknown }>> = {
  'database.mysql.charset': {
    why: 'text is always stored as utf8mb4, which has every character. Remove the key, or say utf8mb4.',
    unless: 'utf8mb4',
  },
  'database.mysql.parse_time': {
    why: 'times are stored as milliseconds, which no driver has to parse. Remove the key.',
  },
  'database.mysql.loc': {
    why: 'times are stored and answered in UTC, and shown in the time zone of whoever looks. Remove the key.',
  },
  'redis.pool_size': {
    why: 'a node sends all its commands through one connection, in pipelines. Remove the key; worker.concurrency says how much runs at once.',
  },
  'redis.min_idle_conns': {
    why: 'the few connections of a node stay open all the time. Remove the key.',
  },
  'redis.max_retries': {
    why: 'a command is sent once, and what failed is repaired from MySQL until it is done, without a limit. Remove the key.',
  },
  'server.mode': {
    why: 'it is a mode of the router of TemJob for Go. Remove the key; logging.level says how much is told, and "temjob dev" is for development.',
  },
  'engine.monitor_interval': {
    why: 'a workflow goes on when something happens to it, at once, and not when a monitor looks. Remove the key.',
  },
};

function keysWithoutMeaning(given: ReadonlyMap<string, Given>): readonly string[] {
  return Object.entries(withoutMeaning).flatMap(([key, { why, unless }]) => {
    const one = given.get(key);
    if (one === undefined || (unless !== undefined && one.value === unless)) return [];
    return [`${key} (${one.origin}) has no meaning here: ${why}`];
  });
}

/** Whoever sets a host over somebody else's URL expects to be heard. */
function partsBesideUrl(given: ReadonlyMap<string, Given>): readonly string[] {
  const sections = {
    'database.mysql': ['host', 'port', 'user', 'password', 'database'],
    redis: ['host', 'port', 'password', 'db'],
  };
  return Object.entries(sections).flatMap(([section, parts]) => {
    const url = given.get(`${section}.url`);
    if (url === undefined || url.value === '') return [];
    return parts.flatMap((part) => {
      const one = given.get(`${section}.${part}`);
      if (one === undefined || one.layer <= url.layer) return [];
      return [
        `${section}.${part} (${one.origin}) has no effect: ${section}.url (${url.origin}) says it all. Set the URL there, or remove it.`,
      ];
    });
  });
}

function fileSettingsWithoutFile(given: ReadonlyMap<string, Given>): readonly string[] {
  const told = given.get('logging.output')?.value;
  const output = typeof told === 'string' ? told : 'stdout';
  const isToFile = output !== 'stdout' && output !== 'stderr';
  const keys = isToFile ? [] : ['file_path', 'max_size', 'max_backups', 'max_age'];
  const notes = keys.flatMap((name) => {
    const one = given.get(`logging.${name}`);
    if (one === undefined) return [];
    return [
      `logging.${name} (${one.origin}) has no effect: logs go to ${output}. Set logging.output to file, or remove the key.`,
    ];
  });
  const path = given.get('logging.file_path');
  if (isToFile && output !== 'file' && path !== undefined) {
    notes.push(
      `logging.file_path (${path.origin}) has no effect: logging.output is a path itself. Set logging.output to file, or remove the key.`,
    );
  }
  return notes;
}
