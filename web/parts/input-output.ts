import type { WorkflowData } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { payloadBlock } from './payload.ts';

/** What went into a workflow, and what came out of it. */
export function inputAndOutput(id: string, signal: AbortSignal) {
  const whole = async () => await api.workflow(id, signal);
  const input = payloadBlock({
    label: t('payload.input'),
    name: `${id}-input`,
    whole: async () => (await whole()).input,
  });
  const output = payloadBlock({
    label: t('payload.output'),
    name: `${id}-output`,
    whole: async () => (await whole()).output,
  });
  return {
    element: h(
      'div',
      { class: 'pair' },
      h('section', { class: 'card' }, h('h2', {}, t('payload.input')), input.element),
      h('section', { class: 'card' }, h('h2', {}, t('payload.output')), output.element),
    ),
    show: (data: WorkflowData): void => {
      const { output: made, ended_at: endedAt } = data.workflow;
      input.show(data.input, t('common.none'));
      output.show(made, t(endedAt === undefined ? 'payload.later' : 'common.none'));
    },
  };
}
