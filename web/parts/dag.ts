import type { StepCard, TaskCard, TaskState } from '#http/live-protocol.ts';

import { h, s, setText } from '../dom.ts';
import { duration, setDuration } from '../time.ts';
import { layOut, type LayoutEdge, type Point } from './layout.ts';
import { stateIcon } from './state.ts';

export interface Dag {
  readonly element: HTMLElement;
  update(tasks: readonly TaskCard[]): void;
  select(step: string | null): void;
}

interface DrawnStep {
  readonly button: HTMLButtonElement;
  readonly icon: HTMLElement;
  readonly note: HTMLElement;
  readonly time: HTMLElement;
  readonly bar: HTMLElement;
  card: TaskCard | null;
}

const margin = 6;
/** A graph that is a little too wide is drawn smaller; one that is much too wide is scrolled. */
const smallest = { wide: 0.72, narrow: 0.88 };

/** The graph of a definition with the states of one workflow's tasks. Steps are buttons, so a keyboard reaches them. */
export function drawDag(
  steps: readonly StepCard[],
  options: { readonly narrow: boolean; readonly onSelect: (step: string) => void },
): Dag {
  const longest = Math.max(0, ...steps.map((step) => step.name.length));
  const size = options.narrow
    ? { width: 154, height: 66 }
    : { width: Math.round(Math.min(270, Math.max(196, 66 + longest * 8.2))), height: 62 };
  const layout = layOut(steps, {
    direction: options.narrow ? 'down' : 'right',
    ...size,
    layerGap: options.narrow ? 40 : 64,
    stepGap: options.narrow ? 12 : 18,
  });
  const lines = layout.edges.map((edge) => ({ edge, line: drawEdge(edge, options.narrow) }));
  const drawn = new Map<string, DrawnStep>();
  const nodes = steps.map((step) => {
    const place = layout.steps.get(step.name) ?? { x: 0, y: 0 };
    const made = drawStep(step, () => options.onSelect(step.name));
    made.button.style.left = `${place.x + margin}px`;
    made.button.style.top = `${place.y + margin}px`;
    made.button.style.width = `${size.width}px`;
    made.button.style.height = `${size.height}px`;
    drawn.set(step.name, made);
    return made.button;
  });
  const width = layout.width + 2 * margin;
  const height = layout.height + 2 * margin;
  const canvas = h(
    'div',
    { class: 'dag-canvas' },
    s(
      'svg',
      {
        class: 'dag-edges',
        width,
        height,
        viewBox: `${-margin} ${-margin} ${width} ${height}`,
        'aria-hidden': 'true',
      },
      lines.map(({ line }) => line),
    ),
    nodes,
  );
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const element = h(
    'div',
    { class: 'dag', role: 'group', 'aria-label': 'Steps of the workflow' },
    canvas,
  );
  new ResizeObserver(() => {
    const fitting = element.clientWidth / width;
    canvas.style.setProperty(
      'zoom',
      String(Math.min(1, Math.max(smallest[options.narrow ? 'narrow' : 'wide'], fitting))),
    );
  }).observe(element);
  return {
    element,
    update: (tasks) => {
      const states = new Map<string, TaskState>();
      for (const task of tasks) {
        states.set(task.step, task.state);
        const made = drawn.get(task.step);
        if (made !== undefined && made.card !== task) showTask(made, task);
      }
      for (const { edge, line } of lines) {
        const state = states.get(edge.from);
        const passed = edge.kind === 'needs' ? state === 'completed' : state === 'failed';
        line.setAttribute('data-passed', String(passed));
      }
    },
    select: (step) => {
      for (const [name, { button }] of drawn) {
        button.setAttribute('aria-pressed', String(name === step));
      }
    },
  };
}

function drawStep(step: StepCard, onSelect: () => void): DrawnStep {
  const icon = h('span', { class: 'step-icon' });
  // Until there is a task, what the step would run.
  const note = h('span', { class: 'step-note' }, step.task === step.name ? null : step.task);
  const time = duration();
  const bar = h('span', { class: 'step-bar' });
  const button = h(
    'button',
    {
      class: 'step',
      type: 'button',
      'data-step': step.name,
      'aria-pressed': 'false',
      onclick: onSelect,
    },
    icon,
    h(
      'span',
      { class: 'step-text' },
      h('span', { class: 'step-name', title: step.name }, step.name),
      h('span', { class: 'step-line' }, note, time),
    ),
    bar,
  );
  return { button, icon, note, time, bar, card: null };
}

function showTask(made: DrawnStep, task: TaskCard): void {
  const { button, icon, note, time, bar } = made;
  if (made.card?.state !== task.state) {
    button.dataset['state'] = task.state;
    icon.replaceChildren(stateIcon(task.state));
  }
  made.card = task;
  setText(note, noteOf(task));
  setDuration(time, task.started_at, task.completed_at);
  time.hidden = task.started_at === undefined;
  const fraction = task.state === 'running' ? (task.progress?.fraction ?? 0) : 0;
  bar.style.width = `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)}%`;
  button.setAttribute('aria-label', `${task.step}: ${noteOf(task)}`);
}

function noteOf(task: TaskCard): string {
  const attempts = task.max_retries + 1;
  const tried = task.attempt > 1 ? ` · try ${task.attempt} of ${attempts}` : '';
  if (task.state === 'running' && typeof task.progress?.fraction === 'number') {
    return `${Math.round(task.progress.fraction * 100)} %${tried}`;
  }
  return `${task.state}${tried}`;
}

function drawEdge(edge: LayoutEdge, down: boolean): SVGPathElement {
  const [first, ...rest] = edge.points;
  let path = first === undefined ? '' : `M${first.x} ${first.y}`;
  let from = first;
  for (const to of rest) {
    if (from !== undefined) path += curve(from, to, down);
    from = to;
  }
  return s('path', {
    d: path,
    class: 'edge',
    'data-kind': edge.kind,
    'data-from': edge.from,
    'data-to': edge.to,
  });
}

function curve(from: Point, to: Point, down: boolean): string {
  return down
    ? `C${from.x} ${(from.y + to.y) / 2} ${to.x} ${(from.y + to.y) / 2} ${to.x} ${to.y}`
    : `C${(from.x + to.x) / 2} ${from.y} ${(from.x + to.x) / 2} ${to.y} ${to.x} ${to.y}`;
}
