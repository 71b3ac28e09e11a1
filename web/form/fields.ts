import type { Json, JsonObject } from '#actors/json.ts';

/*
 * The form that a JSON Schema asks for, as data: what is understood becomes fields, and what is not becomes a field for
 * JSON, so that every schema has a form. The server alone decides what is valid; what is looked at here only helps to type.
 */
export interface Field {
  /** The key in the object that it belongs to; empty for the items of a list. */
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly required: boolean;
  /** What an empty field means. */
  readonly preset: Json | undefined;
  /** Empty may be said: it is null. */
  readonly nullable: boolean;
  readonly shape: Shape;
}

export type Shape = Scalar | { readonly type: 'list'; readonly item: Scalar } | Group | Free;

export type Scalar =
  | { readonly type: 'text'; readonly long: boolean }
  | {
      readonly type: 'number';
      readonly whole: boolean;
      readonly least: number | null;
      readonly most: number | null;
    }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly options: readonly Json[] };

export interface Group {
  readonly type: 'group';
  readonly fields: readonly Field[];
}

/** Any JSON. */
export interface Free {
  readonly type: 'json';
}

/** Forms that nest deeper are harder to fill in than JSON. */
const depthLimit = 4;
const longText = 120;

/** The fields of an input, or null when the schema does not say that it is an object with properties. */
export function fieldsOf(schema: JsonObject | undefined): readonly Field[] | null {
  if (schema === undefined) return null;
  const shape = shapeOf(schema, 0);
  return shape.type === 'group' ? shape.fields : null;
}

/** What is no object as one field; null when it has no field but one for JSON. */
export function wholeField(name: string, schema: JsonObject | undefined): Field | null {
  if (schema === undefined) return null;
  const field = fieldOf(name, schema, schema['default'] === undefined, 0);
  return ['json', 'list', 'group'].includes(field.shape.type) ? null : field;
}

function fieldOf(name: string, schema: JsonObject, required: boolean, depth: number): Field {
  const { type, description, title } = schema;
  const nullable = Array.isArray(type) && type.includes('null');
  return {
    name,
    label: typeof title === 'string' && title !== '' ? title : name,
    hint: typeof description === 'string' ? description : '',
    required,
    preset: schema['default'],
    nullable,
    shape: shapeOf(
      nullable ? { ...schema, type: onlyType(type.filter((each) => each !== 'null')) } : schema,
      depth,
    ),
  };
}

function shapeOf(schema: JsonObject, depth: number): Shape {
  const scalar = scalarOf(schema);
  if (scalar !== null) return scalar;
  const { type, properties, required, items } = schema;
  // Keywords that combine schemas may say more than the type beside them.
  if (['anyOf', 'oneOf', 'allOf', 'not', 'if', '$ref'].some((key) => key in schema)) return free;
  if (type === 'array' && isObject(items)) {
    const item = scalarOf(items);
    return item === null ? free : { type: 'list', item };
  }
  if (type !== 'object' || !isObject(properties) || depth >= depthLimit) return free;
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties).map(([name, each]) =>
    fieldOf(name, isObject(each) ? each : {}, needed.includes(name), depth + 1),
  );
  return fields.length === 0 ? free : { type: 'group', fields };
}

const free: Free = { type: 'json' };

function scalarOf(schema: JsonObject): Scalar | null {
  if (Array.isArray(schema['enum'])) return { type: 'choice', options: schema['enum'] };
  if (schema['const'] !== undefined) return { type: 'choice', options: [schema['const']] };
  const { type } = schema;
  if (type === 'string') {
    return { type: 'text', long: numberIn(schema, 'maxLength', 0) > longText };
  }
  if (type === 'integer' || type === 'number') {
    return {
      type: 'number',
      whole: type === 'integer',
      least: boundIn(schema, 'minimum', 'exclusiveMinimum', 1),
      most: boundIn(schema, 'maximum', 'exclusiveMaximum', -1),
    };
  }
  return type === 'boolean' ? { type: 'flag' } : null;
}

/** The bound that a reader cares for: not that of the numbers which JavaScript can count. */
function boundIn(
  schema: JsonObject,
  inclusive: string,
  exclusive: string,
  inward: number,
): number | null {
  const bound = schema[inclusive];
  if (typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER) return bound;
  const outside = schema[exclusive];
  // Of whole numbers the next one is the bound; of others there is none to name.
  return typeof outside === 'number' && schema['type'] === 'integer' ? outside + inward : null;
}

function numberIn(schema: JsonObject, key: string, otherwise: number): number {
  const value = schema[key];
  return typeof value === 'number' ? value : otherwise;
}

function onlyType(types: readonly Json[]): Json {
  const [first = 'null', ...more] = types;
  return more.length === 0 ? first : types;
}

export type ParseProblem = 'missing' | 'number' | 'whole' | 'least' | 'most' | 'json';

export type Parsed =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly problem: ParseProblem };

/** What somebody has typed, as the value that it stands for; undefined is nothing. */
export function parse(field: Pick<Field, 'shape' | 'required' | 'nullable'>, text: string): Parsed {
  const { shape, required, nullable } = field;
  if (text === '') {
    if (nullable) return { ok: true, value: null };
    return required ? { ok: false, problem: 'missing' } : { ok: true, value: undefined };
  }
  switch (shape.type) {
    case 'text':
      return { ok: true, value: text };
    case 'number':
      return parseNumber(shape, text);
    case 'flag':
      return { ok: true, value: text === 'true' };
    case 'choice':
      return { ok: true, value: shape.options[Number(text)] };
    case 'json':
    case 'list':
    case 'group':
      return parseJson(text);
  }
}

function parseNumber(shape: Scalar & { type: 'number' }, text: string): Parsed {
  const value = Number(text);
  if (!Number.isFinite(value)) return { ok: false, problem: 'number' };
  if (shape.whole && !Number.isInteger(value)) return { ok: false, problem: 'whole' };
  if (shape.least !== null && value < shape.least) return { ok: false, problem: 'least' };
  if (shape.most !== null && value > shape.most) return { ok: false, problem: 'most' };
  return { ok: true, value };
}

function parseJson(text: string): Parsed {
  try {
    const value: Json = JSON.parse(text);
    return { ok: true, value };
  } catch {
    return { ok: false, problem: 'json' };
  }
}

/** The text that stands for a value; null when the field has no text for it, because it is of another kind. */
export function textOf(shape: Shape, value: Json | undefined): string | null {
  if (value === undefined || value === null) return '';
  switch (shape.type) {
    case 'text':
      return typeof value === 'string' ? value : null;
    case 'number':
      return typeof value === 'number' ? String(value) : null;
    case 'flag':
      return typeof value === 'boolean' ? String(value) : null;
    case 'choice': {
      const at = shape.options.findIndex((option) => same(option, value));
      return at < 0 ? null : String(at);
    }
    case 'json':
    case 'list':
    case 'group':
      return JSON.stringify(value, null, 2);
  }
}

function same(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
