import { request as httpRequest } from 'node:http';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { pino } from 'pino';

import type { JsonObject } from '#actors/json.ts';
import type { ClusterApi } from '#cluster/api.ts';
import { createDoor, type Door, type DoorOptions } from '#http/server.ts';

import { assertFits } from './contract.ts';

export interface TestDoors extends AsyncDisposable {
  readonly doors: readonly Door[];
  /** Of the first door. */
  readonly url: string;
}

/** Opens a door for each of the nodes, on free ports of the loopback address if the options say nothing else. */
export async function openDoors(
  nodes: readonly ClusterApi[],
  options: Partial<DoorOptions> = {},
): Promise<TestDoors> {
  const log = pino({ level: 'silent' });
  const doors: Door[] = [];
  for (const cluster of nodes) {
    doors.push(
      await createDoor({ host: '127.0.0.1', port: 0, dev: true, log, ...options, cluster }),
    );
  }
  return {
    doors,
    get url() {
      const [first] = doors;
      if (first === undefined) throw new Error('there is no door');
      return first.url;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(doors.map(async (door) => await door.close()));
    },
  };
}

/** Resolves when every node knows who has which shard, so that what a watcher is told comes from its first moment on. */
export async function ownersKnown(nodes: readonly ClusterApi[]): Promise<void> {
  for (const api of nodes) {
    for (;;) {
      const view = await api.cluster();
      const known = view.nodes.reduce((sum, node) => sum + node.shards, 0);
      if (known === view.shards) break;
      await sleep(20);
    }
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

/** One request, with its JSON answer, which the OpenAPI document must have; a body that is a string is sent as it is. */
export async function request(
  url: string,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { body } = options;
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const { status, headers } = response;
  const text = await response.text();
  assertFits({ method, path, status, headers, text });
  const isJson = /[/+]json/.test(headers.get('Content-Type') ?? '');
  const json: JsonObject = isJson && text !== '' ? JSON.parse(text) : {};
  return { status, headers, body: json };
}

/** The status of a GET with headers that fetch does not let its caller choose, such as Host, or with more of them than it takes. */
export async function rawStatus(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { port } = new URL(url);
  const sent = httpRequest({ host: '127.0.0.1', port, path, headers }, (response) => {
    finished(response.resume()).then(() => resolve(response.statusCode ?? 0), reject);
  });
  sent.once('error', reject).end();
  return await promise;
}
