import type { WorkflowCard, WorkflowData } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { ago, duration, setDuration } from '../time.ts';
import { confirm } from './confirm.ts';
import { copy } from './copy.ts';
import { icon } from './icon.ts';
import { notice, own } from './notice.ts';
import { signalButtons } from './signal-buttons.ts';
import { setStateBadge, stateBadge } from './state.ts';
import { tagList } from './tags.ts';
import { whyLine } from './why.ts';

/** Above the tabs: what it is, how it is, why it is not further, and what one can do about it. */
export function workflowHead(
  first: WorkflowData,
  options: {
    readonly mayAct: boolean;
    readonly onSelect: (step: string) => void;
    /** Ends with the page. */
    readonly stop: AbortSignal;
  },
) {
  const { id, name, version, created_at, tags } = first.workflow;
  const badge = stateBadge(first.workflow.state);
  const took = h('span');
  const time = duration();
  const done = h('span', { class: 'number' });
  const bar = h('i');
  const problem = h('div', { class: 'banner', role: 'alert', hidden: true });
  const why = whyLine(options.onSelect);
  const cancel = h(
    'button',
    { class: 'danger', type: 'button', onclick: () => own(askToCancel(first.workflow)) },
    t('workflow.cancel'),
  );
  const retry = h(
    'button',
    { type: 'button', onclick: () => own(retryNow()) },
    t('workflow.retry'),
  );
  const retryNow = async (): Promise<void> => {
    retry.disabled = true;
    try {
      await api.retry(id);
      notice(t('notice.retried'));
    } finally {
      retry.disabled = false;
    }
  };
  const heading = h('h1', { tabindex: -1 }, name, badge);
  const signals = signalButtons({
    workflow: first.workflow,
    stop: options.stop,
    home: () => heading,
  });
  const elements = [
    h(
      'div',
      { class: 'page-head' },
      h(
        'div',
        { class: 'title' },
        h('a', { class: 'quiet back', href: '/workflows' }, `← ${t('nav.workflows')}`),
        heading,
        h(
          'div',
          { class: 'quiet meta' },
          h(
            'span',
            { class: 'with-copy' },
            h('span', { class: 'mono' }, id),
            h(
              'button',
              {
                class: 'ghost tiny',
                type: 'button',
                title: t('workflow.copy'),
                'aria-label': t('workflow.copy'),
                onclick: () => copy(id),
              },
              icon('copy'),
            ),
          ),
          h(
            'span',
            {},
            `${t('workflow.version')} `,
            h(
              'a',
              {
                class: 'mono',
                href: `/definitions/${encodeURIComponent(name)}?version=${encodeURIComponent(version)}`,
              },
              version.slice(0, 12),
            ),
          ),
          h('span', {}, `${t('workflow.started')} `, ago(created_at)),
          h('span', {}, took, ' ', time),
          tagList(tags),
        ),
      ),
      options.mayAct && h('div', { class: 'buttons' }, signals.element, retry, cancel),
    ),
    problem,
    why.element,
    h('div', { class: 'progress-line' }, h('div', { class: 'progress' }, bar), done),
  ];
  return {
    elements,
    update: (data: WorkflowData): void => {
      const { workflow, tasks } = data;
      signals.show(data);
      setStateBadge(badge, workflow.state);
      setText(took, t(workflow.ended_at === undefined ? 'workflow.takes' : 'workflow.took'));
      setDuration(time, workflow.started_at ?? workflow.created_at, workflow.ended_at);
      cancel.hidden = workflow.ended_at !== undefined;
      retry.hidden = workflow.state !== 'failed';
      const ended = tasks.filter((task) => task.completed_at !== undefined).length;
      setText(done, t('workflow.progress', { ended, count: tasks.length }));
      bar.style.width = `${tasks.length === 0 ? 100 : (ended / tasks.length) * 100}%`;
      bar.dataset['state'] = workflow.state;
      why.show(workflow.why);
      showProblem(problem, workflow, options.onSelect);
    },
  };
}

async function askToCancel({ id, name }: WorkflowCard): Promise<void> {
  const reason = h('input', { name: 'reason', maxlength: 1000, autocomplete: 'off' });
  const sure = await confirm({
    title: t('cancel.title'),
    text: t('cancel.text', { name, id }),
    action: t('cancel.action'),
    more: h('label', {}, t('cancel.reason'), reason),
  });
  if (!sure) return;
  await api.cancel(id, reason.value.trim());
  notice(t('notice.canceled'));
}

function showProblem(
  element: HTMLElement,
  workflow: WorkflowCard,
  select: (step: string) => void,
): void {
  const key = `${workflow.state} ${workflow.error ?? ''}`;
  if (element.dataset['key'] === key) return;
  element.dataset['key'] = key;
  element.dataset['state'] = workflow.state;
  element.hidden = workflow.error === undefined;
  const step = workflow.failed_step;
  fill(
    element,
    h('b', {}, t(workflow.state === 'canceled' ? 'workflow.canceled' : 'workflow.failed')),
    ' ',
    workflow.error ?? '',
    step !== undefined && [
      ' ',
      h(
        'button',
        { class: 'small', type: 'button', onclick: () => select(step) },
        t('workflow.in-step', { step }),
      ),
    ],
  );
}
