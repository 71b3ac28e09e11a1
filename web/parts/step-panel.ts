import type { LogLine, TaskCard } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { duration, setDuration } from '../time.ts';
import { messageOf } from './notice.ts';
import { payloadBlock } from './payload.ts';
import { setStateBadge, stateBadge } from './state.ts';

export interface StepPanel {
  readonly element: HTMLElement;
  show(task: TaskCard, logs: readonly LogLine[]): void;
  close(): void;
}

/** All about one step: what went in and came out, how often it was tried, what it said. */
export function stepPanel(first: TaskCard, onClose: () => void): StepPanel {
  const stop = new AbortController();
  const badge = stateBadge(first.state);
  const facts = h('dl', { class: 'facts' });
  const time = duration();
  const note = h('p', { class: 'quiet' });
  const bar = h('i');
  const progress = h('div', { class: 'progress' }, bar);
  const failure = h('div', { class: 'failure' });
  const input = payloadBlock('Input', async () => (await api.task(first.id, stop.signal)).input);
  const output = payloadBlock('Output', async () => (await api.task(first.id, stop.signal)).output);
  const log = logBlock();
  let shownFailure = '';
  const element = h(
    'aside',
    { class: 'panel card', 'aria-label': `Step ${first.step}` },
    h(
      'header',
      {},
      h('h2', {}, first.step),
      badge,
      h('button', { class: 'ghost', type: 'button', 'aria-label': 'Close', onclick: onClose }, '✕'),
    ),
    facts,
    progress,
    note,
    failure,
    h('h3', {}, 'Input'),
    input.element,
    h('h3', {}, 'Output'),
    output.element,
    h('h3', {}, 'Log'),
    log.element,
  );
  return {
    element,
    show: (task, logs) => {
      setStateBadge(badge, task.state);
      setDuration(time, task.started_at, task.completed_at);
      fill(
        facts,
        fact('Task type', task.type),
        fact('Attempt', `${task.attempt} of at most ${task.max_retries + 1}`),
        h('div', {}, h('dt', {}, 'Duration'), h('dd', {}, time)),
        fact('Node', task.worker_id ?? '–'),
        task.next_attempt_at !== undefined &&
          fact('Next attempt', new Date(task.next_attempt_at).toLocaleTimeString()),
      );
      const fraction = task.progress?.fraction ?? null;
      progress.hidden = fraction === null;
      bar.style.width = `${Math.round((fraction ?? 0) * 100)}%`;
      setText(note, task.reason ?? task.progress?.note ?? '');
      const failureKey = task.error === undefined ? '' : `${task.attempt} ${task.error}`;
      if (failureKey !== shownFailure) {
        shownFailure = failureKey;
        showFailure(failure, task, stop.signal);
      }
      input.show(task.input, 'none');
      output.show(task.output, task.completed_at === undefined ? 'not yet' : 'none');
      log.show(logs);
    },
    close: () => {
      stop.abort();
      element.remove();
    },
  };
}

/** Lines of one step or of all; `stepName` adds whose line it is. */
export function logBlock(stepName?: (step: number) => string): {
  readonly element: HTMLElement;
  show(lines: readonly LogLine[]): void;
} {
  const list = h('ol', { class: 'log', tabindex: 0, 'aria-label': 'Log' });
  let shown: readonly LogLine[] | null = null;
  return {
    element: list,
    show: (lines) => {
      if (shown !== null && lines.length === shown.length && lines.at(-1) === shown.at(-1)) return;
      const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
      shown = lines;
      fill(
        list,
        lines.length === 0 && h('li', { class: 'quiet' }, 'no lines'),
        lines.map((line) =>
          h(
            'li',
            { 'data-level': line.level },
            h('time', {}, new Date(line.at).toLocaleTimeString()),
            stepName !== undefined && h('b', {}, stepName(line.step)),
            line.attempt > 1 && h('span', { class: 'quiet' }, `try ${line.attempt}`),
            h('span', { class: 'log-text' }, line.message),
          ),
        ),
      );
      if (atEnd) list.scrollTop = list.scrollHeight;
    },
  };
}

function fact(name: string, value: string): HTMLElement {
  return h('div', {}, h('dt', {}, name), h('dd', { title: value }, value));
}

function showFailure(place: HTMLElement, task: TaskCard, signal: AbortSignal): void {
  if (task.error === undefined) {
    fill(place);
    return;
  }
  const stack = h('pre', { class: 'stack', tabindex: 0, hidden: true });
  const more = h(
    'button',
    {
      class: 'small',
      type: 'button',
      onclick: () => {
        stack.hidden = false;
        more.remove();
        api.task(task.id, signal).then(
          (whole) => fill(stack, whole.failure?.stack ?? whole.error ?? ''),
          (error: unknown) => fill(stack, messageOf(error)),
        );
      },
    },
    'Show stack',
  );
  fill(
    place,
    h('h3', {}, task.state === 'completed' ? 'Error of an earlier attempt' : 'Error'),
    h('p', { class: 'wrong' }, h('b', {}, task.error_name ?? 'Error'), ': ', task.error),
    more,
    stack,
  );
}
