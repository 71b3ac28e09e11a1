import { z } from 'zod';

import { type ClusterApi, ClusterError } from '#cluster/api.ts';

import type { Principal, Scope } from '../auth/principal.ts';
import type { Client, Sessions } from '../auth/sessions.ts';
import { notFound, type ProblemCode, type Resource } from '../problems.ts';
import { read } from '../validate.ts';

/** Metrics as Prometheus reads them. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** What a handler may use besides what the request says. */
export interface Surroundings {
  readonly cluster: ClusterApi;
  readonly sessions: Sessions;
  readonly client: Client;
  /** Aborted when the node leaves: whoever waits then gets the answer of this moment. */
  readonly leaving: AbortSignal;
  /** Development mode. */
  readonly dev: boolean;
  /** The text of `/metrics`; null when there are none. */
  readonly metrics: (() => Promise<Exposition>) | null;
  /** Who asks; throws when nobody knows. */
  readonly principal: () => Principal;
  /** The path and query that were asked for. */
  readonly url: string;
  /** Aborted when the client has gone. */
  readonly gone: () => AbortSignal;
}

/** The parts of a request that a route takes; a query or body that it does not declare must not be there. */
export type Takes = {
  readonly path?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** By the names that people write; others are none of the route's business. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
};

/** One kind of answer: its body, and the headers that are worth a word, by name. */
export interface Answer {
  readonly what: string;
  readonly body: z.ZodType;
  /** What it is when it is not JSON; the body is text then. */
  readonly media?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that are there at times. */
  readonly maybe?: Readonly<Record<string, string>>;
}

export type Answers = Readonly<Record<number, Answer>>;

type HeaderOf<Of extends Answer> = (keyof Of['headers'] | keyof Of['maybe']) & string;

type Reply<Gives extends Answers> = {
  readonly [Status in keyof Gives & number]: {
    readonly status: Status;
    readonly body: z.output<Gives[Status]['body']>;
    readonly headers?: Readonly<Partial<Record<HeaderOf<Gives[Status]>, string>>>;
  };
}[keyof Gives & number];

/** The parts of a request as their schemas read them. */
type Call<Shape extends Takes> = z.output<ReturnType<typeof z.object<Shape>>>;

/** A route as data: all that the router and the OpenAPI document need to know of it. */
export interface RouteFacts {
  readonly method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it: `/api/v1/workflows/{id}`. */
  readonly path: string;
  /** Its name in the OpenAPI document. */
  readonly id: string;
  readonly tag: string;
  /** null: whoever asks. */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly description?: string;
  /** Codes that it answers with, besides those that any route may. */
  readonly refuses?: readonly ProblemCode[];
}

interface Declaration<Shape extends Takes, Gives extends Answers> extends RouteFacts {
  readonly takes: Shape;
  readonly gives: Gives;
  /** What the path names, so that "not found" can say what was not found. */
  readonly about?: (call: Call<Shape>) => Resource;
  readonly handle: (
    call: Call<Shape>,
    surroundings: Surroundings,
  ) => Promise<Reply<NoInfer<Gives>>>;
}

/** A request, not looked at yet. */
export interface Parts {
  readonly path: unknown;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  header(name: string): string | undefined;
}

export interface Served {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Partial<Record<string, string>>>;
}

/** A declared route: its types are inside, so that all routes fit into one table. */
export interface Route extends RouteFacts {
  readonly takes: Takes;
  readonly gives: Answers;
  /** Rejects with a `ProblemError` or a `ClusterError` when the answer is no. */
  serve(parts: Parts, surroundings: Surroundings): Promise<Served>;
}

/** Declares a route: what it takes and gives is said once, by schemas, and its handler is typed by them. */
export function route<Shape extends Takes, Gives extends Answers>(
  declared: Declaration<Shape, Gives>,
): Route {
  const { takes, gives, about, handle, ...facts } = declared;
  const declaredParts = z.object<Shape>(takes);
  const otherParts = z.object({
    ...(takes.query === undefined ? { query: nothing } : {}),
    ...(takes.body === undefined ? { body: nothing.prefault({}) } : {}),
  });
  return {
    ...facts,
    takes,
    gives,
    serve: async (parts, surroundings) => {
      read(otherParts, { ...parts });
      const call = read(declaredParts, {
        ...parts,
        ...(takes.query === undefined ? {} : { query: nested(takes.query, parts.query) }),
        ...(takes.headers === undefined ? {} : { headers: headersOf(takes.headers, parts) }),
      });
      try {
        return await handle(call, surroundings);
      } catch (error) {
        const unknown = error instanceof ClusterError && error.code === 'NOT_FOUND';
        throw unknown && about !== undefined ? notFound(about(call)) : error;
      }
    },
  };
}

const nothing = z.strictObject({});

/** `tag.customer` and `tag[customer]` -> `tag: { customer }`, where `tag` is a parameter. */
function nested(schema: z.ZodObject, query: Parts['query']): Parts['query'] {
  const entries = Object.entries(query).map(([key, value]): readonly [string, string, unknown] => {
    const [, name = '', dotted, bracketed] = /^(\w+)(?:\.(.+)|\[([^\]]+)\])$/.exec(key) ?? [];
    return Object.hasOwn(schema.shape, name)
      ? [name, dotted ?? bracketed ?? '', value]
      : [key, '', value];
  });
  const byName = Map.groupBy(entries, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [
      name,
      all.find(([, inner]) => inner === '')?.[2] ??
        Object.fromEntries(all.map(([, inner, value]) => [inner, value])),
    ]),
  );
}

function headersOf(schema: z.ZodObject, parts: Parts): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = parts.header(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
