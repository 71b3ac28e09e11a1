import { expect } from 'chai';
import { z } from 'zod';

import type { Json, JsonObject } from '#actors/json.ts';

import { curlOf, sdkOf, startBody } from '../../web/form/commands.ts';
import { type Field, fieldsOf, parse, textOf } from '../../web/form/fields.ts';

const schema = z.object({
  title: z.string().describe('Shown on the cover'),
  pages: z.int().min(1).max(500).default(40),
  price: z.number().positive(),
  paper: z.enum(['a4', 'letter']).optional(),
  draft: z.boolean().optional(),
  note: z.string().nullable(),
  author: z.object({ name: z.string(), email: z.email().optional() }),
  tags: z.array(z.string()).optional(),
  matrix: z.array(z.array(z.number())),
  either: z.union([z.string(), z.object({ a: z.number() })]),
  table: z.record(z.string(), z.number()),
});

describe('the form of an input', () => {
  const json: JsonObject = JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'input' })));
  const fields = new Map((fieldsOf(json) ?? []).map((field) => [field.name, field]));

  it('has a field for everything that the schema names, in its order', () => {
    expect([...fields.keys()]).to.deep.equal(Object.keys(schema.shape));
  });

  it('knows kinds, bounds, defaults, choices and what may be left out', () => {
    expect(shapeOf('title')).to.deep.equal({ type: 'text', long: false });
    expect(fields.get('title')?.hint).to.equal('Shown on the cover');
    expect(fields.get('title')?.required).to.equal(true);
    expect(shapeOf('pages')).to.deep.equal({ type: 'number', whole: true, least: 1, most: 500 });
    expect(fields.get('pages')?.preset).to.equal(40);
    expect(fields.get('pages')?.required).to.equal(false);
    expect(shapeOf('price')).to.include({ type: 'number', whole: false, least: null });
    expect(shapeOf('paper')).to.deep.equal({ type: 'choice', options: ['a4', 'letter'] });
    expect(shapeOf('draft')).to.deep.equal({ type: 'flag' });
    expect(fields.get('note')?.nullable).to.equal(true);
    const author = shapeOf('author');
    expect(author?.type === 'group' && author.fields.map(({ name }) => name)).to.deep.equal([
      'name',
      'email',
    ]);
    expect(shapeOf('tags')).to.deep.equal({ type: 'list', item: { type: 'text', long: false } });
  });

  it('asks for JSON where a schema says what a form cannot', () => {
    for (const name of ['matrix', 'either', 'table']) expect(shapeOf(name)?.type).to.equal('json');
    expect(fieldsOf(undefined)).to.equal(null);
    expect(fieldsOf({ type: 'string' })).to.equal(null);
    expect(fieldsOf({ $ref: '#/x', type: 'object', properties: { a: {} } })).to.equal(null);
    expect(fieldsOf({ type: 'object' })).to.equal(null);
  });

  it('does not name the bounds of what JavaScript can count', () => {
    const counted = { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 };
    const [field] = fieldsOf({ type: 'object', properties: { counted } }) ?? [];
    expect(field?.shape).to.deep.equal({ type: 'number', whole: true, least: null, most: null });
  });

  it('reads what was typed, or says what is wrong with it', () => {
    expect(read('title', 'x')).to.equal('x');
    expect(read('title', '')).to.equal('missing');
    expect(read('pages', '')).to.equal(undefined);
    expect(read('pages', '12')).to.equal(12);
    expect(read('pages', '1.5')).to.equal('whole');
    expect(read('pages', 'x')).to.equal('number');
    expect(read('pages', '0')).to.equal('least');
    expect(read('pages', '501')).to.equal('most');
    expect(read('note', '')).to.equal(null);
    expect(read('paper', '1')).to.equal('letter');
    expect(read('draft', 'false')).to.equal(false);
    expect(read('matrix', '[[1]')).to.equal('json');
    expect(read('matrix', '[[1]]')).to.deep.equal([[1]]);
  });

  it('shows a value as the text that is read as the same value', () => {
    const values: Record<string, Json> = {
      title: 'T',
      pages: 7,
      paper: 'letter',
      draft: true,
      note: null,
      matrix: [[1, 2]],
    };
    for (const [name, value] of Object.entries(values)) {
      const field = fieldNamed(name);
      const text = textOf(field.shape, value);
      expect(text, name).to.not.equal(null);
      expect(read(name, text ?? ''), name).to.deep.equal(value);
    }
    expect(textOf(fieldNamed('pages').shape, 'seven')).to.equal(null);
    expect(textOf(fieldNamed('paper').shape, 'a5')).to.equal(null);
  });

  const fieldNamed = (name: string): Field => {
    const field = fields.get(name);
    if (field === undefined) throw new Error(`no field ${name}`);
    return field;
  };
  const shapeOf = (name: string) => fields.get(name)?.shape;
  const read = (name: string, text: string): Json | undefined => {
    const parsed = parse(fieldNamed(name), text);
    return parsed.ok ? parsed.value : parsed.problem;
  };
});

describe('the commands that do what the form does', () => {
  const call = {
    url: 'http://localhost:8088',
    name: 'greet',
    input: { who: "O'Brien; rm -rf $HOME" },
    id: '',
    version: '',
    tags: {},
    keyed: false,
  };

  it('are one word for a shell, whatever is in the input', () => {
    expect(curlOf(call)).to.contain(
      `-d '{"name":"greet","input":{"who":"O'\\''Brien; rm -rf $HOME"}}'`,
    );
    expect(curlOf(call)).not.to.contain('Authorization');
    expect(curlOf({ ...call, keyed: true })).to.contain('Bearer $TEMJOB_KEY');
  });

  it('say what was said, and no more', () => {
    expect(startBody(call)).to.have.all.keys('name', 'input');
    const all = { ...call, id: 'a-1', version: 'v', tags: { team: 'x' } };
    expect(startBody(all)).to.deep.include({ id: 'a-1', version: 'v', tags: { team: 'x' } });
    expect(sdkOf(all)).to.contain(', {"id":"a-1","version":"v","tags":{"team":"x"}}');
    expect(sdkOf(call)).to.contain('client.start("greet", {"who":"O\'Brien; rm -rf $HOME"});');
  });
});
