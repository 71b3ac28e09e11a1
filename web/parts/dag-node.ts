import type { StepCard, TaskCard, TaskState } from '#http/live-protocol.ts';

import { breakable, h, setText } from '../dom.ts';
import { formatNumber, formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { duration, setDuration } from '../time.ts';
import { commonName, type DrawnGroup } from './fold.ts';
import type { Point } from './layout.ts';
import { minibar, showMinibar } from './minibar.ts';
import { stateIcon, stateWord } from './state.ts';
import { countsOf, stateOfAll } from './task-states.ts';

/** A step, or a fold of many, as a button of the graph. */
export interface DrawnNode {
  readonly button: HTMLButtonElement;
  readonly place: Point;
  show(tasks: readonly TaskCard[]): void;
}

export function drawNode(
  group: DrawnGroup<StepCard>,
  place: Point,
  onSelect: () => void,
): DrawnNode {
  const [only] = group.steps;
  return group.steps.length === 1 && only !== undefined
    ? drawStep(only, place, onSelect)
    : drawFold(group, place, onSelect);
}

function drawStep(step: StepCard, place: Point, onSelect: () => void): DrawnNode {
  const icon = h('span', { class: 'step-icon' });
  // Until there is a task, what the step would run.
  const runs = step.task === step.name ? null : step.task;
  const note = h(
    'span',
    { class: 'step-note' },
    step.signal === undefined ? runs : t('definition.signal'),
  );
  const time = duration();
  const bar = h('span', { class: 'step-bar' });
  const button = h(
    'button',
    { class: 'step', type: 'button', 'data-step': step.name, onclick: onSelect },
    icon,
    h(
      'span',
      { class: 'step-text' },
      h('span', { class: 'step-name', title: step.name }, breakable(step.name)),
      h('span', { class: 'step-line' }, note, time),
    ),
    bar,
  );
  const show = (task: TaskCard): void => {
    setState(button, icon, task.state);
    const words = noteOf(task);
    setText(note, words);
    setDuration(time, task.started_at, task.completed_at);
    time.hidden = task.started_at === undefined;
    const fraction = task.state === 'running' ? (task.progress?.fraction ?? 0) : 0;
    bar.style.width = `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)}%`;
  };
  return {
    button,
    place,
    show: ([task]) => {
      if (task !== undefined) show(task);
    },
  };
}

function drawFold(group: DrawnGroup<StepCard>, place: Point, onSelect: () => void): DrawnNode {
  const name = commonName(group.steps.map((step) => step.name));
  const icon = h('span', { class: 'step-icon' });
  const bar = minibar();
  const note = h('span', { class: 'step-note' });
  const count = `×${formatNumber(group.steps.length)}`;
  const button = h(
    'button',
    { class: 'step step-fold', type: 'button', 'data-step': group.name, onclick: onSelect },
    icon,
    h(
      'span',
      { class: 'step-text' },
      h('span', { class: 'step-name', title: name }, h('b', {}, count), ' ', breakable(name)),
      bar,
      h('span', { class: 'step-line' }, note),
    ),
  );
  return {
    button,
    place,
    show: (tasks) => {
      // The graph of a definition has no tasks.
      if (tasks.length === 0) return;
      setState(button, icon, stateOfAll(tasks));
      const counts = countsOf(tasks);
      showMinibar(bar, counts);
      const words = t('graph.fold', {
        done: counts['completed'] ?? 0,
        failed: (counts['failed'] ?? 0) + (counts['retrying'] ?? 0),
      });
      setText(note, words);
    },
  };
}

function setState(button: HTMLElement, icon: HTMLElement, state: TaskState): void {
  if (button.dataset['state'] === state) return;
  button.dataset['state'] = state;
  icon.replaceChildren(stateIcon(state));
}

function noteOf(task: TaskCard): string {
  const { fraction } = task.progress ?? {};
  const far = task.state === 'running' && typeof fraction === 'number';
  const words = far ? formatPercent(fraction) : stateWord(task.state);
  const attempts = Math.max(task.attempt, task.max_retries + 1);
  return task.attempt > 1 && task.state !== 'waiting'
    ? `${words} · ${formatNumber(task.attempt)}/${formatNumber(attempts)}`
    : words;
}
