import { z } from 'zod';
import {
  createDocument,
  type CreateDocumentOptions,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';

import { cookieName } from './auth/session-cookie.ts';
import { meaningOf, type ProblemCode, problemCodes } from './problems.ts';
import type { Answer, Route } from './routes/route.ts';
import { problem } from './schemas/problem.ts';

export type OpenApi = ReturnType<typeof createDocument>;

/** The OpenAPI 3.1 document of the routes: everything in it comes from their declarations. */
export function openApiOf(routes: readonly Route[]): OpenApi {
  const refusals = new Map<string, ZodOpenApiResponseObject>();
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method] = operationOf(route, refusals);
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'TemJob',
        // Of the API, not of the package: the first number is that of its paths.
        version: '1.0.0',
        description: about,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
      paths,
      components: { securitySchemes },
      'x-problems': problemCodes.map((code) => ({
        code,
        status: meaningOf(code).status,
        title: meaningOf(code).title,
        anywhere: anywhere.has(code),
      })),
    },
    rendering,
  );
}

const about = `Every node of a cluster answers the same. Times are RFC 3339 in UTC.

What is refused is answered with a problem (RFC 9457): \`code\` is stable and for programs, \`detail\` is for people. A query
parameter or a field that does not exist is refused, too. \`503\` and \`429\` say in \`Retry-After\` when to ask again.

Every answer has an \`X-Request-Id\`: the one that was sent, or a new one. What is read has an \`ETag\`, and to whoever sends it
back as \`If-None-Match\` it is only shown when it is another: else the answer is \`304\`.

Where API keys are configured, one is needed; where none are, the door is open to its own machine alone.`;

const securitySchemes = {
  key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
  header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same key.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: cookieName,
    description: 'The session of the console.',
  },
} as const;

const rendering: CreateDocumentOptions = {
  // JSON of any kind.
  allowEmptySchema: { custom: true },
  override: ({ jsonSchema, zodSchema, io }) => {
    // Lists of answers are readonly to TypeScript; in a schema that word means something else.
    if (zodSchema instanceof z.ZodReadonly) delete jsonSchema.readOnly;
    if (zodSchema instanceof z.ZodRecord) delete jsonSchema.propertyNames;
    // An answer may get more fields some day.
    const closed = zodSchema instanceof z.ZodObject && jsonSchema.additionalProperties === false;
    if (closed && io === 'output') delete jsonSchema.additionalProperties;
  },
};

function operationOf(
  route: Route,
  refusals: Map<string, ZodOpenApiResponseObject>,
): ZodOpenApiOperationObject {
  const { takes, gives, scope } = route;
  const { path, query, headers, body } = takes;
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    // The names in the lists are the roles that a caller needs.
    security:
      scope === null ? [] : Object.keys(securitySchemes).map((name) => ({ [name]: [scope] })),
    requestParams: {
      ...(path === undefined ? {} : { path }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: {
      ...mapped(gives, answerOf),
      ...(route.method === 'get' ? { 304: notModified } : {}),
      ...refusalsOf(route, refusals),
    },
  };
}

function bodyOf(schema: z.ZodType) {
  return {
    required: !schema.safeParse(undefined).success,
    content: { 'application/json': { schema } },
  };
}

function answerOf({ what, body, media = 'application/json', headers = {}, maybe = {} }: Answer) {
  const schema = { type: 'string' } as const;
  const all = {
    ...mapped(headers, (description) => ({ description, schema, required: true })),
    ...mapped(maybe, (description) => ({ description, schema })),
  };
  return {
    description: what,
    ...(Object.keys(all).length === 0 ? {} : { headers: all }),
    content: { [media]: { schema: body } },
  };
}

function mapped<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

const notModified = {
  id: 'NotModified',
  description: 'It is what `If-None-Match` names.',
} satisfies ZodOpenApiResponseObject;

/** The problems of a route by status; what several routes have in common is described once. */
function refusalsOf(
  route: Route,
  known: Map<string, ZodOpenApiResponseObject>,
): Record<string, ZodOpenApiResponseObject> {
  const codes = new Set([...(route.refuses ?? []), ...anyRouteRefuses(route)]);
  const byStatus = Object.groupBy(codes, (code) => String(meaningOf(code).status));
  return mapped(byStatus, (some = []) => {
    const id = some.map(capitalized).join('Or');
    const refusal = known.get(id) ?? refusalOf(id, some);
    known.set(id, refusal);
    return refusal;
  });
}

const ofAll = ['INVALID_INPUT', 'NOT_LOOPBACK', 'INTERNAL'] as const;
const ofScopes = ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED'] as const;
const ofChanges = ['FOREIGN_ORIGIN', 'TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const ofTheCluster = ['OVERLOADED', 'DRAINING', 'UNAVAILABLE', 'TIMEOUT'] as const;
const anywhere: ReadonlySet<ProblemCode> = new Set([
  'ROUTE_NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  ...ofAll,
  ...ofScopes,
  ...ofChanges,
  ...ofTheCluster,
]);

/** What a route may answer whatever it does. */
function anyRouteRefuses({ scope, method, tag }: Route): readonly ProblemCode[] {
  return [
    ...ofAll,
    ...(scope === null ? [] : ofScopes),
    ...(method === 'get' ? [] : ofChanges),
    ...(tag === 'Health' ? [] : ofTheCluster),
  ];
}

function refusalOf(id: string, codes: readonly ProblemCode[]): ZodOpenApiResponseObject {
  const waits = codes.every((code) => meaningOf(code).retryAfterMs !== undefined);
  const headers = {
    ...(waits ? { 'Retry-After': retryAfter } : {}),
    ...(codes.includes('UNAUTHENTICATED') ? { 'WWW-Authenticate': challenge } : {}),
  };
  return {
    id,
    description: codes.map((code) => `\`${code}\`: ${meaningOf(code).title}.`).join(' '),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    content: { 'application/problem+json': { schema: problem } },
  };
}

const retryAfter = {
  description: 'In how many seconds to ask again.',
  schema: { type: 'integer', minimum: 1 },
  required: true,
} as const;

const challenge = {
  description: 'That a key is wanted (RFC 6750).',
  schema: { type: 'string' },
  required: true,
} as const;

/** NOT_FOUND -> NotFound */
function capitalized(code: string): string {
  return code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('');
}
