import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { openApiOf } from '../src/http/openapi.ts';
import { allRoutes } from '../src/http/routes/table.ts';

/*
 * Writes docs/openapi.json, which is what the door serves, and docs/api.md, which is made of it for people.
 */
const root = resolve(import.meta.dirname, '..');

/** The files by name, as they should be. */
export function apiDocs(): Readonly<Record<string, string>> {
  const json = JSON.stringify(openApiOf(allRoutes), null, 2);
  const document: Document = JSON.parse(json);
  return { 'docs/openapi.json': `${json}\n`, 'docs/api.md': markdownOf(document) };
}

/** What of an OpenAPI document is told. */
interface Document {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly 'x-problems': readonly Problem[];
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}

interface Problem {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly anywhere: boolean;
}

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Response {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

function markdownOf(document: Document): string {
  const { info, tags, components } = document;
  return [
    '# HTTP API',
    'Made from the OpenAPI document by `npm run docs`; every node serves that at `/api/openapi.json`, and a page for trying it at `/docs`.',
    info.description,
    ...tags.flatMap(({ name }) => [`## ${name}`, ...operationsOf(document, name)]),
    '## Problems',
    'Those with a star may be the answer to any request.',
    table(
      ['code', 'status', ''],
      document['x-problems'].map(({ code, status, title, anywhere }) => [
        `\`${code}\`${anywhere ? ' *' : ''}`,
        String(status),
        title,
      ]),
    ),
    '## Schemas',
    ...Object.entries(components.schemas).flatMap(([name, schema]) => schemaOf(name, schema)),
  ]
    .join('\n\n')
    .concat('\n');
}

function operationsOf(document: Document, tag: string): readonly string[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { tags }]) => tags.includes(tag))
      .flatMap(([method, operation]) => [
        `### ${method.toUpperCase()} ${path}`,
        [`${operation.summary}.`, operation.description ?? '', scopeOf(operation)]
          .filter((text) => text !== '')
          .join(' '),
        ...inputsOf(operation),
        answersOf(operation, document),
      ]),
  );
}

function scopeOf({ security }: Operation): string {
  const scope = security.flatMap(Object.values).flat()[0];
  return scope === undefined ? 'Needs no key.' : `Needs the scope \`${String(scope)}\`.`;
}

function inputsOf({ parameters = [], requestBody }: Operation): readonly string[] {
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const rows = parameters.map(({ in: where, name, required, description = '', schema }) => [
    where,
    `\`${name}\`${required === true ? ' *' : ''}`,
    typeOf(schema),
    description,
  ]);
  const fields = body?.$ref === undefined ? fieldsOf(body).map((row) => ['body', ...row]) : [];
  const whole = body?.$ref === undefined ? [] : [['body', '', typeOf(body), '']];
  const all = [...rows, ...fields, ...whole];
  return all.length === 0 ? [] : [table(['in', 'name', 'type', ''], all)];
}

/** What it answers; what any request may be answered is told once. */
function answersOf({ responses }: Operation, document: Document): string {
  const rows = Object.entries(responses).flatMap(([status, declared]) => {
    const name = declared.$ref?.replace('#/components/responses/', '');
    const {
      description = '',
      headers = {},
      content = {},
    } = name === undefined ? declared : (document.components.responses[name] ?? declared);
    const codes = document['x-problems'].filter(({ code }) => description.includes(`\`${code}\``));
    if (status === '304' || (codes.length > 0 && codes.every(({ anywhere }) => anywhere)))
      return [];
    const own = codes.filter(({ anywhere }) => !anywhere).map(({ code }) => `\`${code}\``);
    const names = Object.keys(headers).map((header) => `\`${header}\``);
    const what = own.length === 0 ? description : own.join(', ');
    return [[status, what, bodyOf(content), names.join(', ')]];
  });
  return table(['status', '', 'body', 'headers'], rows);
}

function bodyOf(content: Content): string {
  const [[media, body] = []] = Object.entries(content);
  if (media === undefined) return '';
  return media.includes('json') ? typeOf(body?.schema) : `\`${media}\``;
}

function schemaOf(name: string, schema: Schema): readonly string[] {
  const [example] = schema.examples ?? [];
  const fields = fieldsOf(schema);
  return [
    `### ${name}`,
    ...(schema.description === undefined ? [] : [schema.description]),
    fields.length === 0 ? typeOf(schema) : table(['field', 'type', ''], fields),
    ...(example === undefined ? [] : [`\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``]),
  ];
}

/** A star marks what is always there. */
function fieldsOf(schema: Schema | undefined): readonly (readonly string[])[] {
  const { properties = {}, required = [] } = schema ?? {};
  return Object.entries(properties).map(([name, field]) => [
    `\`${name}\`${required.includes(name) ? ' *' : ''}`,
    typeOf(field),
    field.description ?? '',
  ]);
}

function typeOf(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  const { $ref, type, format, items, anyOf, properties, additionalProperties } = schema;
  if ($ref !== undefined) {
    const name = $ref.replace('#/components/schemas/', '');
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(
      ([name, field]) => `\`${name}\`: ${typeOf(field)}`,
    );
    return `{ ${fields.join(', ')} }`;
  }
  if (typeof additionalProperties === 'object') return `${typeOf(additionalProperties)} by name`;
  if (type === undefined) return 'any JSON';
  return `${[type].flat().join(' or ')}${limitsOf(schema)}${format === 'date-time' ? ', RFC 3339' : ''}`;
}

function limitsOf({ minimum, maximum, default: otherwise }: Schema): string {
  const range = minimum === undefined || maximum === undefined ? '' : `, ${minimum} to ${maximum}`;
  return otherwise === undefined ? range : `${range}, \`${JSON.stringify(otherwise)}\` if absent`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  for (const [name, text] of Object.entries(apiDocs())) {
    const file = join(root, name);
    const before = await readFile(file, 'utf8').catch(() => '');
    if (before === text) continue;
    if (check) {
      console.error(`${name} is not what the routes say: run "npm run docs"`);
      process.exitCode = 1;
    } else {
      await writeFile(file, text);
      console.log(`${name} is written`);
    }
  }
}
