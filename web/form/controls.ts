import type { Json, JsonObject } from '#actors/json.ts';

import { fill, h, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import {
  type Field,
  isObject,
  parse,
  type ParseProblem,
  type Scalar,
  type Shape,
  textOf,
} from './fields.ts';

/** What one field of a form does, whatever it looks like. */
export interface Control {
  readonly element: HTMLElement;
  /** The value as far as it can be read; undefined is none. */
  draft(): Json | undefined;
  /** Whether the value can be sent; what is wrong is shown at its field. */
  check(): boolean;
  isEmpty(): boolean;
  /** Shows a value; false when it cannot. */
  write(value: Json | undefined): boolean;
}

/** By JSON pointer, how to say at a field what is wrong with it; an empty text is nothing. */
export type Marks = Map<string, (text: string) => void>;

let ids = 0;

export function groupControl(fields: readonly Field[], pointer: string, marks: Marks): Control {
  const parts = fields.map((field) => ({
    field,
    control: control(field, `${pointer}/${escape(field.name)}`, marks),
  }));
  const known = new Set(fields.map(({ name }) => name));
  /** What the schema does not mention came from JSON and goes back into it. */
  let rest: JsonObject = {};
  return {
    element: h(
      'div',
      { class: 'group' },
      parts.map(({ control: { element } }) => element),
    ),
    draft: () => {
      const value: Record<string, Json> = {};
      for (const { field, control: part } of parts) {
        const one = part.draft();
        if (one !== undefined) value[field.name] = one;
      }
      return { ...value, ...rest };
    },
    check: () => parts.map(({ control: part }) => part.check()).every(Boolean),
    isEmpty: () => parts.every(({ control: part }) => part.isEmpty()),
    write: (value) => {
      if (value !== undefined && !isObject(value)) return false;
      rest = Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !known.has(key)));
      return parts
        .map(({ field, control: part }) => part.write(value?.[field.name]))
        .every(Boolean);
    },
  };
}

function control(field: Field, pointer: string, marks: Marks): Control {
  const { shape } = field;
  if (shape.type === 'group') return nestedControl(field, shape.fields, pointer, marks);
  if (shape.type === 'list') return listControl(field, shape.item, pointer, marks);
  return textControl(field, pointer, marks);
}

/** An object in the input: left out as a whole when it may be, and nothing in it is filled in. */
function nestedControl(
  field: Field,
  fields: readonly Field[],
  pointer: string,
  marks: Marks,
): Control {
  const group = groupControl(fields, pointer, marks);
  const leftOut = (): boolean => !field.required && group.isEmpty();
  const frame = framed(field, pointer, marks, group.element);
  return {
    ...group,
    element: frame,
    draft: () => (leftOut() ? undefined : group.draft()),
    check: () => leftOut() || group.check(),
  };
}

function listControl(field: Field, item: Scalar, pointer: string, marks: Marks): Control {
  let rows: readonly Control[] = [];
  const list = h('div', { class: 'items' });
  const draw = (): void => {
    fill(
      list,
      rows.map((row, index) =>
        h(
          'div',
          { class: 'item' },
          row.element,
          h(
            'button',
            {
              class: 'ghost',
              type: 'button',
              'aria-label': t('form.remove', { number: index + 1, name: field.label }),
              onclick: () => set(draftOf(rows.filter((each) => each !== row))),
            },
            '✕',
          ),
        ),
      ),
    );
    list.dispatchEvent(new Event('input', { bubbles: true }));
  };
  // The rows are made anew, because each has its number in its pointer.
  const set = (values: readonly (Json | undefined)[]): boolean => {
    for (const key of marks.keys()) if (key.startsWith(`${pointer}/`)) marks.delete(key);
    rows = values.map((_, index) => {
      const label = t('form.item', { name: field.label, number: index + 1 });
      const one = { ...plain, name: String(index), label, shape: item };
      return textControl(one, `${pointer}/${index}`, marks);
    });
    const shown = rows.map((row, index) => row.write(values[index])).every(Boolean);
    draw();
    return shown;
  };
  const add = h(
    'button',
    {
      class: 'small',
      type: 'button',
      onclick: () => {
        set([...draftOf(rows), undefined]);
        rows.at(-1)?.element.querySelector<HTMLElement>('input, select, textarea')?.focus();
      },
    },
    t('form.add'),
  );
  const draft = (): Json | undefined => {
    const values = draftOf(rows).filter((value) => value !== undefined);
    return values.length === 0 && !field.required ? undefined : values;
  };
  return {
    element: framed(field, pointer, marks, list, add),
    draft,
    check: () => rows.map((row) => row.check()).every(Boolean),
    isEmpty: () => rows.length === 0,
    write: (value) => {
      if (value === undefined || value === null) return set([]);
      return Array.isArray(value) && set(value);
    },
  };
}

const plain = { hint: '', required: true, preset: undefined, nullable: false } as const;

function draftOf(rows: readonly Control[]): readonly (Json | undefined)[] {
  return rows.map((row) => row.draft());
}

export function textControl(field: Field, pointer: string, marks: Marks): Control {
  ids += 1;
  const id = `field-${ids}`;
  const problem = h('p', { class: 'wrong field-problem', id: `${id}-problem` });
  const input = inputOf(field, id);
  const mark = (text: string): void => {
    setText(problem, text);
    input.setAttribute('aria-invalid', String(text !== ''));
  };
  marks.set(pointer, mark);
  const read = () => parse(field, input.value);
  return {
    element: h(
      'div',
      { class: 'field', 'data-pointer': pointer },
      h('label', { for: id }, field.label, !field.required && optional()),
      field.hint !== '' && h('p', { class: 'quiet hint', id: `${id}-hint` }, field.hint),
      input,
      problem,
    ),
    draft: () => {
      const parsed = read();
      return parsed.ok ? parsed.value : undefined;
    },
    check: () => {
      const parsed = read();
      mark(parsed.ok ? '' : problemText(parsed.problem, field.shape));
      return parsed.ok;
    },
    isEmpty: () => input.value === '',
    write: (value) => {
      const text = textOf(field.shape, value);
      if (text !== null) input.value = text;
      return text !== null;
    },
  };
}

function inputOf(
  field: Field,
  id: string,
): HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement {
  const { shape, preset } = field;
  const described = field.hint === '' ? `${id}-problem` : `${id}-hint ${id}-problem`;
  const all = { id, 'aria-describedby': described, 'aria-required': String(field.required) };
  const unset = preset === undefined ? '' : t('form.preset', { value: written(preset) });
  switch (shape.type) {
    case 'choice': {
      const only = field.required && shape.options.length === 1;
      const options = shape.options.map((option, at) =>
        h('option', { value: at }, written(option)),
      );
      return h('select', all, only ? null : h('option', { value: '' }, unset), options);
    }
    case 'flag':
      return h(
        'select',
        all,
        h('option', { value: '' }, typeof preset === 'boolean' ? presetFlag(preset) : unset),
        h('option', { value: 'true' }, t('form.yes')),
        h('option', { value: 'false' }, t('form.no')),
      );
    case 'number':
      return h('input', {
        ...all,
        type: 'text',
        inputmode: shape.whole && (shape.least ?? -1) >= 0 ? 'numeric' : 'decimal',
        autocomplete: 'off',
        placeholder: unset === '' ? range(shape) : unset,
      });
    case 'text':
      return shape.long
        ? h('textarea', { ...all, rows: 3, placeholder: unset })
        : h('input', { ...all, type: 'text', autocomplete: 'off', placeholder: unset });
    case 'json':
    case 'list':
    case 'group':
      return h('textarea', { ...all, rows: 3, spellcheck: 'false', placeholder: unset || 'JSON' });
  }
}

function presetFlag(preset: boolean): string {
  return t('form.preset', { value: t(preset ? 'form.yes' : 'form.no') });
}

function written(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function range({ least, most }: Scalar & { type: 'number' }): string {
  if (least !== null && most !== null) return t('form.range', { least, most });
  if (least !== null) return t('form.atLeast', { least });
  return most === null ? '' : t('form.atMost', { most });
}

function problemText(problem: ParseProblem, shape: Shape): string {
  const bounds = shape.type === 'number' ? shape : { least: null, most: null };
  switch (problem) {
    case 'missing':
      return t('form.missing');
    case 'number':
      return t('form.notNumber');
    case 'whole':
      return t('form.notWhole');
    case 'least':
      return t('form.tooSmall', { least: bounds.least ?? 0 });
    case 'most':
      return t('form.tooLarge', { most: bounds.most ?? 0 });
    case 'json':
      return t('form.notJson');
  }
}

/** What holds further fields, with a place for what is wrong with it as a whole. */
function framed(
  field: Field,
  pointer: string,
  marks: Marks,
  ...inner: readonly HTMLElement[]
): HTMLElement {
  const problem = h('p', { class: 'wrong field-problem' });
  marks.set(pointer, (text) => setText(problem, text));
  return h(
    'fieldset',
    { class: 'field', 'data-pointer': pointer },
    h('legend', {}, field.label, !field.required && optional()),
    field.hint !== '' && h('p', { class: 'quiet hint' }, field.hint),
    inner,
    problem,
  );
}

function optional(): HTMLElement {
  return h('span', { class: 'optional' }, t('form.optional'));
}

/** For a JSON pointer. */
function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
