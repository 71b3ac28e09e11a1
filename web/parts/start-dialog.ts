import { api, type ListedDefinition } from '../api.ts';
import { fill, h } from '../dom.ts';
import { complain, focusWrong } from '../form/complain.ts';
import { inputForm } from '../form/input-form.ts';
import { t } from '../i18n/text.ts';
import { messageOf } from './notice.ts';
import { parseTag } from './workflow-filter.ts';

/** A dialog that starts a workflow: choose a definition, write its input, give it tags. */
export function startDialog(started: (id: string) => void): {
  readonly element: HTMLDialogElement;
  open(): void;
} {
  const choice = h('select', { name: 'definition', required: true });
  const steps = h('p', { class: 'quiet hint' });
  const fields = h('div');
  let input = inputForm(undefined);
  const id = h('input', {
    name: 'id',
    placeholder: t('start.id.hint'),
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const tags = h('input', {
    name: 'tags',
    placeholder: t('start.tags.hint'),
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const wrong = h('div', { class: 'wrong', role: 'alert' });
  const submit = h('button', { class: 'primary', type: 'submit' }, t('common.start'));
  let known: readonly ListedDefinition[] = [];
  let described: ListedDefinition | undefined;
  const describe = (): void => {
    const definition = known.find(({ name }) => name === choice.value);
    // What is being typed stays when the same definition is read again.
    if (definition?.version !== described?.version || definition?.name !== described?.name) {
      input = inputForm(definition?.inputSchema);
      fill(fields, input.element);
    }
    described = definition;
    const names = definition?.steps.map((step) => step.name) ?? [];
    const shown = names.slice(0, 12).join(' · ');
    fill(
      steps,
      names.length > 12 ? `${shown} · … ${t('start.steps', { count: names.length })}` : shown,
    );
  };
  choice.addEventListener('change', describe);
  const start = async (): Promise<void> => {
    const value = input.read();
    if (value === undefined) {
      focusWrong(form);
      return;
    }
    const chosen = id.value.trim();
    const given = parseTags(tags.value);
    const made = await api.start({
      name: choice.value,
      input: value,
      ...(chosen === '' ? {} : { id: chosen }),
      ...(given === null ? {} : { tags: given }),
    });
    element.close();
    id.value = '';
    started(made.id);
  };
  const form = h(
    'form',
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit.disabled = true;
        fill(wrong);
        start()
          .catch((error: unknown) => complain(error, { form, fields: input, place: wrong }))
          .finally(() => {
            submit.disabled = false;
          });
      },
    },
    h('h2', {}, t('start.title')),
    h('label', {}, t('start.definition'), choice),
    steps,
    h('h3', {}, t('payload.input')),
    fields,
    h('label', {}, t('start.id'), id),
    h('label', {}, t('tags.label'), tags),
    wrong,
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', onclick: () => element.close() }, t('common.back')),
      submit,
    ),
  );
  const element = h('dialog', { class: 'start', 'aria-label': t('start.title') }, form);
  const load = async (): Promise<void> => {
    const answer = await api.definitions();
    known = answer.definitions;
    const before = choice.value;
    fill(choice, ...known.map(({ name }) => h('option', { value: name }, name)));
    if (known.some(({ name }) => name === before)) choice.value = before;
    describe();
    if (known.length === 0) fill(wrong, t('start.none'));
  };
  return {
    element,
    open: () => {
      fill(wrong);
      element.showModal();
      load().catch((error: unknown) => fill(wrong, messageOf(error)));
    },
  };
}

/** `a=1, b=2`; null when there is none. */
function parseTags(text: string): Readonly<Record<string, string>> | null {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  if (parts.length === 0) return null;
  return Object.fromEntries(
    parts.map((part) => {
      const tag = parseTag(part);
      if (tag === null) throw new Error(t('start.tags.wrong', { tag: part.trim() }));
      return tag;
    }),
  );
}
