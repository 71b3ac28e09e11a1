import type { Json, JsonObject } from '#actors/json.ts';

import type { FieldProblem } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { type Control, groupControl, type Marks, textControl } from './controls.ts';
import { type Field, fieldsOf, isObject, parse, wholeField } from './fields.ts';

/** A form that makes JSON, and is JSON itself where no schema says which fields it has. */
export interface JsonForm<Value extends Json> {
  readonly element: HTMLElement;
  /** What is typed, as far as it can be read. */
  draft(): Value;
  /** The value; undefined when something is missing or wrong, which is then shown at its place. */
  read(): Value | undefined;
  /** Shows what the server said at the fields that it is about; returns what is about none. */
  blame(problems: readonly FieldProblem[]): readonly FieldProblem[];
  /** Puts the focus into its first field. */
  focus(): void;
}

/** What is to be made. */
interface Target<Value extends Json> {
  /** Where it is in the body of the request. */
  readonly pointer: string;
  readonly empty: Value;
  readonly is: (value: Json | undefined) => value is Value;
  /** What it is called. */
  readonly name: string;
  /** The label of it as JSON, and what is said where no schema says more. */
  readonly json: string;
  readonly anything: string;
}

/** For the input of a workflow: fields where the schema of the input says which, JSON always. */
export function inputForm(schema: JsonObject | undefined): JsonForm<JsonObject> {
  return jsonForm(schema, {
    pointer: '/input',
    empty: {},
    is: isObject,
    name: t('payload.input'),
    json: t('form.jsonLabel'),
    anything: t('form.schemaless'),
  });
}

/** The same for the payload of a signal, which may be any JSON. */
export function payloadForm(schema: JsonObject | undefined): JsonForm<Json> {
  return jsonForm<Json>(schema, {
    pointer: '/payload',
    empty: {},
    is: isThere,
    name: t('signal.payload'),
    json: t('signal.jsonLabel'),
    anything: t('signal.schemaless'),
  });
}

function isThere(value: Json | undefined): value is Json {
  return value !== undefined;
}

function jsonForm<Value extends Json>(
  schema: JsonObject | undefined,
  target: Target<Value>,
): JsonForm<Value> {
  const { pointer: root, empty, is } = target;
  const marks: Marks = new Map();
  const control = controlOf(schema, target, marks);
  const json = jsonArea(target);
  const place = h('div', { class: 'fields' });
  const focus = (): void => {
    place.querySelector<HTMLElement>('input, select, textarea')?.focus();
  };
  if (control === null) {
    fill(
      place,
      schema === undefined && h('p', { class: 'quiet hint' }, target.anything),
      json.element,
    );
    return {
      element: place,
      draft: () => json.draft() ?? empty,
      read: () => json.read(),
      blame: (problems) => json.blame(problems),
      focus,
    };
  }
  const made = (): Value | undefined => {
    const value = control.draft();
    return is(value) ? value : undefined;
  };
  let asJson = false;
  const form = h('button', { type: 'button', onclick: () => toForm() }, t('form.fields'));
  const raw = h('button', { type: 'button', onclick: () => toJson() }, t('form.json'));
  const show = (): void => {
    form.setAttribute('aria-pressed', String(!asJson));
    raw.setAttribute('aria-pressed', String(asJson));
    fill(place, asJson ? json.element : control.element);
    place.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const toJson = (): void => {
    if (asJson) return;
    asJson = true;
    json.write(control.draft() ?? empty);
    show();
  };
  const toForm = (): void => {
    const value = asJson ? json.read() : undefined;
    if (value === undefined) return;
    if (!control.write(value)) {
      json.complain(t('form.unfit'));
      return;
    }
    asJson = false;
    show();
  };
  show();
  return {
    element: h(
      'div',
      { class: 'input-form' },
      h('div', { class: 'segments', role: 'group', 'aria-label': t('form.how') }, form, raw),
      place,
    ),
    draft: () => (asJson ? json.draft() : made()) ?? empty,
    read: () => {
      if (asJson) return json.read();
      for (const mark of marks.values()) mark('');
      return control.check() ? made() : undefined;
    },
    blame: (problems) => {
      if (asJson) return json.blame(problems);
      return problems.filter(({ pointer, detail }) => {
        const mark = nearest(marks, root, pointer);
        mark?.(detail);
        return mark === null;
      });
    },
    focus,
  };
}

/** A field for each property of an object, one field for what is no object; null when there is nothing but JSON for it. */
function controlOf(
  schema: JsonObject | undefined,
  { pointer, name }: Pick<Target<never>, 'pointer' | 'name'>,
  marks: Marks,
): Control | null {
  const fields = fieldsOf(schema);
  if (fields !== null) return groupControl(fields, pointer, marks);
  const field = wholeField(name, schema);
  return field === null ? null : presetControl(field, textControl(field, pointer, marks));
}

/** Left empty it is what the schema says it is then: there is no object around it that it could be left out of. */
function presetControl({ preset }: Field, control: Control): Control {
  return { ...control, draft: () => control.draft() ?? preset };
}

/** The mark of a pointer, or of what it lies in. */
function nearest(marks: Marks, root: string, pointer: string): ((text: string) => void) | null {
  for (let at = pointer; at.startsWith(root); at = at.slice(0, at.lastIndexOf('/'))) {
    const mark = marks.get(at);
    if (mark !== undefined) return mark;
  }
  return null;
}

interface JsonArea<Value extends Json> {
  readonly element: HTMLElement;
  draft(): Value | undefined;
  read(): Value | undefined;
  write(value: Json): void;
  complain(text: string): void;
  blame(problems: readonly FieldProblem[]): readonly FieldProblem[];
}

function jsonArea<Value extends Json>({
  pointer: root,
  is,
  json: label,
}: Target<Value>): JsonArea<Value> {
  const area = h('textarea', {
    id: 'input-json',
    rows: 12,
    spellcheck: 'false',
    'aria-describedby': 'input-json-problem',
  });
  area.value = '{}';
  const problem = h('p', { class: 'wrong field-problem', id: 'input-json-problem' });
  const complain = (text: string): void => {
    setText(problem, text);
    area.setAttribute('aria-invalid', String(text !== ''));
    if (text !== '') area.focus();
  };
  const parsed = (): Json | undefined => {
    const read = parse(anything, area.value.trim() === '' ? '{}' : area.value);
    return read.ok ? read.value : undefined;
  };
  const draft = (): Value | undefined => {
    const value = parsed();
    return is(value) ? value : undefined;
  };
  return {
    element: h('div', { class: 'field' }, h('label', { for: 'input-json' }, label), area, problem),
    draft,
    read: () => {
      const value = draft();
      if (value !== undefined) complain('');
      else complain(parsed() === undefined ? t('form.notJson') : t('form.notObject'));
      return value;
    },
    write: (value) => {
      area.value = JSON.stringify(value, null, 2);
      complain('');
    },
    complain,
    blame: (problems) => {
      const own = problems.filter(({ pointer }) => pointer.startsWith(root));
      complain(own.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('\n'));
      return problems.filter((each) => !own.includes(each));
    },
  };
}

const anything = { shape: { type: 'json' }, required: true, nullable: false } as const;
