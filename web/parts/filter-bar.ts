import { fill, h } from '../dom.ts';
import { formatMoment } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { stateIcon, stateWord } from './state.ts';
import { everything, parseTag, type WorkflowFilter } from './workflow-filter.ts';

export interface FilterBar {
  readonly element: HTMLElement;
  show(filter: WorkflowFilter): void;
  /** Names to choose from. */
  offer(definitions: readonly string[]): void;
}

const spans = [
  { name: 'hour', ms: 3_600_000 },
  { name: 'day', ms: 86_400_000 },
  { name: 'week', ms: 7 * 86_400_000 },
] as const;

/** The filter of the list: fields to change it, and a chip for each part of it that can be taken off. */
export function filterBar(options: {
  readonly now: () => number;
  readonly chosen: (filter: WorkflowFilter) => void;
}): FilterBar {
  let filter: WorkflowFilter = everything;
  const choose = (change: Partial<WorkflowFilter>): void =>
    options.chosen({ ...filter, ...change });
  const id = h('input', {
    id: 'filter-id',
    type: 'search',
    name: 'q',
    'data-search': '',
    'aria-label': t('filter.id'),
    placeholder: t('filter.id'),
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 128,
    onchange: () => choose({ idPrefix: id.value.trim() }),
  });
  const name = h('input', {
    id: 'filter-name',
    name: 'name',
    list: 'filter-names',
    'aria-label': t('filter.name'),
    placeholder: t('filter.name'),
    autocomplete: 'off',
    maxlength: 100,
    onchange: () => choose({ name: name.value.trim() }),
  });
  const names = h('datalist', { id: 'filter-names' });
  const tag = h('input', {
    id: 'filter-tag',
    name: 'tag',
    'aria-label': t('filter.tag'),
    placeholder: t('filter.tag.hint'),
    autocomplete: 'off',
    maxlength: 250,
    onchange: () => {
      if (tag.value.trim() === '') {
        tag.setCustomValidity('');
        return;
      }
      const parsed = parseTag(tag.value);
      tag.setCustomValidity(parsed === null ? t('filter.tag.wrong') : '');
      if (parsed === null) {
        tag.reportValidity();
        return;
      }
      const [key, value] = parsed;
      tag.value = '';
      choose({ tags: { ...filter.tags, [key]: value } });
    },
    oninput: () => tag.setCustomValidity(''),
  });
  const created = h(
    'select',
    {
      id: 'filter-created',
      'aria-label': t('filter.created'),
      onchange: () => {
        const span = spans.find((each) => each.name === created.value);
        const custom = created.value === 'custom';
        between.hidden = !custom;
        if (custom) after.focus();
        else choose({ before: '', after: span === undefined ? '' : ago(options.now(), span.ms) });
      },
    },
    h('option', { value: '' }, t('filter.created.any')),
    spans.map((span) => h('option', { value: span.name }, t(`filter.created.${span.name}`))),
    h('option', { value: 'custom' }, t('filter.created.custom')),
  );
  const after = h('input', {
    id: 'filter-after',
    type: 'datetime-local',
    step: 1,
    onchange: () => choose({ after: instant(after.value) }),
  });
  const before = h('input', {
    id: 'filter-before',
    type: 'datetime-local',
    step: 1,
    onchange: () => choose({ before: instant(before.value) }),
  });
  const between = h(
    'span',
    { class: 'filter-between', hidden: true },
    h('label', { for: 'filter-after' }, t('filter.after')),
    after,
    h('label', { for: 'filter-before' }, t('filter.before')),
    before,
  );
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('filter.active') });
  const form = h(
    'form',
    {
      class: 'tools-row list-filter',
      role: 'search',
      'aria-label': t('filter.label'),
      // Fields act when they change, which Enter makes them do.
      onsubmit: (event) => event.preventDefault(),
    },
    id,
    name,
    names,
    tag,
    created,
    between,
    // Without it, Enter in a field of several would not submit.
    h('button', { type: 'submit', class: 'unseen', tabindex: -1 }, t('filter.apply')),
  );
  return {
    element: h('div', { class: 'filter-bar' }, form, chips),
    offer: (definitions) => {
      fill(names, ...definitions.map((each) => h('option', { value: each })));
    },
    show: (next) => {
      filter = next;
      id.value = filter.idPrefix;
      name.value = filter.name;
      after.value = local(filter.after);
      before.value = local(filter.before);
      const timed = filter.after !== '' || filter.before !== '';
      if (!timed) created.value = '';
      else if (created.value === '' || filter.before !== '') created.value = 'custom';
      between.hidden = created.value !== 'custom';
      const focused = chips.contains(document.activeElement);
      fill(chips, ...chipsOf(filter, choose, options.chosen));
      // The chip that was taken off had the focus.
      if (focused) (chips.querySelector('button') ?? id).focus();
    },
  };
}

function chipsOf(
  filter: WorkflowFilter,
  choose: (change: Partial<WorkflowFilter>) => void,
  chosen: (filter: WorkflowFilter) => void,
): readonly HTMLElement[] {
  const { states, name, idPrefix, tags, after, before } = filter;
  const chips = [
    ...states.map((state) =>
      chip([stateIcon(state), stateWord(state)], stateWord(state), () =>
        choose({ states: states.filter((each) => each !== state) }),
      ),
    ),
    ...(name === '' ? [] : [named(t('filter.name'), name, () => choose({ name: '' }))]),
    ...(idPrefix === '' ? [] : [named(t('filter.id'), idPrefix, () => choose({ idPrefix: '' }))]),
    ...Object.entries(tags).map(([key, value]) =>
      named(key, value, () => {
        const { [key]: _taken, ...others } = tags;
        choose({ tags: others });
      }),
    ),
    ...(after === '' ? [] : [named(t('filter.after'), moment(after), () => choose({ after: '' }))]),
    ...(before === ''
      ? []
      : [named(t('filter.before'), moment(before), () => choose({ before: '' }))]),
  ];
  if (chips.length < 2) return chips;
  return [
    ...chips,
    h(
      'button',
      { class: 'link', type: 'button', onclick: () => chosen(everything) },
      t('filter.clear'),
    ),
  ];
}

function named(what: string, value: string, off: () => void): HTMLElement {
  return chip([h('span', { class: 'quiet' }, what), ' ', value], `${what} ${value}`, off);
}

function chip(words: readonly (Node | string)[], label: string, off: () => void): HTMLElement {
  return h(
    'button',
    {
      class: 'chip chip-off',
      type: 'button',
      'aria-label': t('filter.off', { filter: label }),
      onclick: off,
    },
    words,
    h('span', { 'aria-hidden': 'true', class: 'chip-cross' }, '✕'),
  );
}

/** To the minute, so that the address does not change with every look. */
function ago(now: number, ms: number): string {
  return new Date(Math.floor((now - ms) / 60_000) * 60_000).toISOString();
}

function instant(text: string): string {
  return text === '' ? '' : new Date(text).toISOString();
}

function moment(at: string): string {
  return formatMoment(new Date(at));
}

/** As a field for date and time wants it, in the time zone of the browser. */
function local(at: string): string {
  if (at === '') return '';
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
