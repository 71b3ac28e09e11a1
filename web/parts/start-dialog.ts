import type { JsonObject } from '#actors/json.ts';

import { api, type ListedDefinition } from '../api.ts';
import { fill, h } from '../dom.ts';
import { messageOf } from './notice.ts';

/** A dialog that starts a workflow: choose a definition, write its input. */
export function startDialog(started: (id: string) => void): {
  readonly element: HTMLDialogElement;
  open(): void;
} {
  const choice = h('select', { name: 'definition', required: true });
  const steps = h('p', { class: 'quiet hint' });
  const input = h('textarea', { name: 'input', rows: 9, spellcheck: 'false' });
  input.value = '{}';
  const id = h('input', {
    name: 'id',
    placeholder: 'made for you when empty',
    autocomplete: 'off',
  });
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const submit = h('button', { class: 'primary', type: 'submit' }, 'Start');
  let known: readonly ListedDefinition[] = [];
  const describe = (): void => {
    const definition = known.find(({ name }) => name === choice.value);
    fill(
      steps,
      definition === undefined ? '' : definition.steps.map((step) => step.name).join(' · '),
    );
  };
  choice.addEventListener('change', describe);
  const start = async (): Promise<void> => {
    const value: JsonObject = JSON.parse(input.value === '' ? '{}' : input.value);
    const chosen = id.value.trim();
    const made = await api.start({
      name: choice.value,
      input: value,
      ...(chosen === '' ? {} : { id: chosen }),
    });
    element.close();
    id.value = '';
    started(made.id);
  };
  const form = h(
    'form',
    {
      onsubmit: (event) => {
        event.preventDefault();
        submit.disabled = true;
        fill(wrong);
        start()
          .catch((error: unknown) => fill(wrong, messageOf(error)))
          .finally(() => {
            submit.disabled = false;
          });
      },
    },
    h('h2', {}, 'Start a workflow'),
    h('label', {}, 'Definition', choice),
    steps,
    h('label', {}, 'Input (JSON)', input),
    h('label', {}, 'Id', id),
    wrong,
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', onclick: () => element.close() }, 'Back'),
      submit,
    ),
  );
  const element = h('dialog', { class: 'start', 'aria-label': 'Start a workflow' }, form);
  const load = async (): Promise<void> => {
    const answer = await api.definitions();
    known = answer.definitions;
    const before = choice.value;
    fill(choice, ...known.map(({ name }) => h('option', { value: name }, name)));
    if (known.some(({ name }) => name === before)) choice.value = before;
    describe();
    if (known.length === 0) fill(wrong, 'No definition is known to the cluster yet.');
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
