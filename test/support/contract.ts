import assert from 'node:assert';

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import { type OpenApi, openApiOf } from '#http/openapi.ts';
import { allRoutes } from '#http/routes/table.ts';

/* The OpenAPI document, held against what the door really answers. */

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The operations that were asked for in this process, by id. */
export const exercised = new Set<string>();

/**
 * Throws unless the document has what was answered: the operation, the status, the media type, the headers, and a body that
 * is as the schema says, without a field more.
 */
export function assertFits(exchange: Exchange): void {
  const { method, status, headers, text } = exchange;
  const path = exchange.path.replace(/[?#].*$/, '');
  const template = templates.find(({ pattern }) => pattern.test(path))?.template;
  const operation = template === undefined ? undefined : document.paths[template]?.[verb(method)];
  if (operation === undefined) {
    // What is refused is a problem wherever it is.
    if (status >= 400) assertBody('/components/schemas/Problem', exchange);
    else assert(template === undefined || status === 204, `the document has no ${method} ${path}`);
    return;
  }
  exercised.add(operation.operationId);
  const declared = operation.responses[status];
  assert(declared !== undefined, `${what(exchange)}, a status that is not in the document`);
  const place =
    declared.$ref?.slice(1) ??
    `/paths/${escaped(template ?? '')}/${verb(method)}/responses/${status}`;
  const response =
    declared.$ref === undefined
      ? declared
      : document.components.responses[place.slice('/components/responses/'.length)];
  assert(response !== undefined, `the document has nothing at ${place}`);
  for (const [header, { required }] of Object.entries(response.headers ?? {})) {
    const there = required !== true || headers.has(header);
    assert(there, `${what(exchange)} without ${header}`);
  }
  if (response.content === undefined || method === 'HEAD') {
    assert(text === '', `${what(exchange)} with a body, which is not in the document`);
    return;
  }
  const media = (headers.get('Content-Type') ?? '').replace(/;.*$/, '');
  assert(media in response.content, `${what(exchange)} as ${media}, which is not in the document`);
  assertBody(`${place}/content/${escaped(media)}/schema`, exchange);
}

// ---- helpers ----

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Response & { readonly $ref?: string }>>;
}

interface Response {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

const document = closed(openApiOf(allRoutes));
const templates = Object.keys(document.paths).map((template) => ({
  template,
  pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));
const ajv = new Ajv2020({ strict: false, allErrors: true })
  .addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
  .addSchema(document, 'api');
const validators = new Map<string, ValidateFunction>();

/** The published document lets answers grow; here, a field that it does not have is a mistake. */
function closed(published: OpenApi): Document {
  return JSON.parse(JSON.stringify(published), (_key, value: unknown) => {
    const open =
      typeof value === 'object' &&
      value !== null &&
      'properties' in value &&
      !('additionalProperties' in value);
    return open ? { ...value, additionalProperties: false } : value;
  });
}

function verb(method: string): string {
  return method === 'HEAD' ? 'get' : method.toLowerCase();
}

function assertBody(pointer: string, exchange: Exchange): void {
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `api#${encodeURI(pointer)}` });
  validators.set(pointer, validate);
  const json = /[/+]json/.test(exchange.headers.get('Content-Type') ?? '');
  const body: unknown = json ? JSON.parse(exchange.text) : exchange.text;
  assert(
    validate(body),
    `${what(exchange)} with what the document does not say: ${ajv.errorsText(validate.errors)}\n${exchange.text}`,
  );
}

function what({ method, path, status }: Exchange): string {
  return `${method} ${path} was answered with ${status}`;
}

/** For a JSON pointer. */
function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
