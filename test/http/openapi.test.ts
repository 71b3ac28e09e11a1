import { readFile } from 'node:fs/promises';

import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';

import { openApiOf } from '#http/openapi.ts';
import { problemCodes } from '#http/problems.ts';
import { allRoutes } from '#http/routes/table.ts';

import { apiDocs } from '../../scripts/api-docs.ts';
import { assertFits } from '../support/contract.ts';
import { request } from '../support/doors.ts';
import { openRest } from '../support/rest.ts';

describe('the OpenAPI document', () => {
  const document = openApiOf(allRoutes);

  it('has every route, under a name of its own', () => {
    const ids = Object.values(document.paths ?? {}).flatMap(({ get, post, delete: remove }) =>
      [get, post, remove].flatMap((operation) => operation?.operationId ?? []),
    );
    expect(ids).to.have.members(allRoutes.map(({ id }) => id));
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('has a parameter for each part of a path in braces', () => {
    for (const { path, takes } of allRoutes) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(takes.path?.shape ?? {}), path).to.deep.equal(inPath);
    }
  });

  it('says that lists in a query are separated by commas, which is the only way they are taken', () => {
    for (const path of ['/api/v1/workflows', '/api/v1/tasks'] as const) {
      const state = document.paths?.[path]?.get?.parameters?.find(
        (parameter) => 'name' in parameter && parameter.name === 'state',
      );
      expect(state, path).to.include({ style: 'form', explode: false });
    }
  });

  it('says what scope a route needs, and that probes need none', () => {
    const { paths = {} } = document;
    expect(paths['/api/v1/workflows']?.post?.security).to.deep.include({ key: ['operate'] });
    expect(paths['/api/v1/workflows']?.get?.security).to.deep.include({ session: ['read'] });
    expect(paths['/livez']?.get?.security).to.deep.equal([]);
  });

  it('names every code of a problem', () => {
    const text = JSON.stringify(document.components?.schemas?.['Problem']);
    for (const code of problemCodes) expect(text).to.contain(`"${code}"`);
  });

  it('is JSON Schema wherever there is a schema, with examples that are what they show', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'api');
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
      const validate = ajv.compile({ $ref: `api#/components/schemas/${name}` });
      const examples: readonly unknown[] =
        typeof schema === 'object' && 'examples' in schema ? (schema.examples ?? []) : [];
      for (const example of examples) {
        expect(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`).to.equal(true);
      }
    }
  });

  it('is what is in docs/, as JSON and for people (npm run docs)', async () => {
    for (const [name, text] of Object.entries(apiDocs())) {
      const file = new URL(`../../${name}`, import.meta.url);
      expect(await readFile(file, 'utf8'), name).to.equal(text);
    }
  });

  it('is served by every node', async () => {
    await using rest = await openRest();
    const { status, body } = await request(rest.doors.url, 'GET', '/api/openapi.json');
    expect(status).to.equal(200);
    expect(body).to.deep.equal(JSON.parse(JSON.stringify(document)));
  });
});

describe('the check of answers against the document', () => {
  const stats = { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 };
  const answer = {
    method: 'GET',
    path: '/api/v1/stats',
    status: 200,
    headers: new Headers({ 'Content-Type': 'application/json; charset=utf-8' }),
    text: JSON.stringify({ ...stats, total_workflows: 0 }),
  };

  it('passes what is in it', () => {
    expect(() => assertFits(answer)).to.not.throw();
  });

  for (const [what, change, message] of [
    ['a field too few', { text: JSON.stringify(stats) }, /total_workflows/],
    ['a field too many', { text: answer.text.replace('{', '{"more":1,') }, /additional properties/],
    ['a field of another type', { text: answer.text.replace('0', '"0"') }, /must be integer/],
    ['a status that is not declared', { status: 207 }, /status that is not in the document/],
    [
      'another media type',
      { headers: new Headers({ 'Content-Type': 'text/html' }) },
      /as text\/html/,
    ],
    ['a route that is not in it', { method: 'POST' }, /the document has no POST/],
    [
      'an error that is no problem',
      { path: '/api/v1/no', status: 404 },
      /must have required property/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => assertFits({ ...answer, ...change })).to.throw(message);
    });
  }

  it('refuses a start that does not say where the workflow is', () => {
    const started = { workflow_id: 'a', id: 'a', existing: false };
    const start = { ...answer, method: 'POST', path: '/api/v1/workflows', status: 201 };
    const exchange = { ...start, text: JSON.stringify(started) };
    expect(() => assertFits(exchange)).to.throw('without Location');
  });
});
