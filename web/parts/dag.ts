import type { StepCard, TaskCard, TaskState } from '#http/live-protocol.ts';

import { fill, h, s, setText } from '../dom.ts';
import { formatNumber, formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { duration, setDuration } from '../time.ts';
import { commonName, type DrawnGroup, fold } from './fold.ts';
import type { Layout, LayoutEdge, Point } from './layout.ts';
import { layoutOf } from './layouts.ts';
import { minibar, showMinibar } from './minibar.ts';
import { own } from './notice.ts';
import { inSlices } from './slices.ts';
import { stateIcon, stateWord } from './state.ts';

export interface Dag {
  readonly element: HTMLElement;
  /** What is drawn as one node; the names of folds are in it, too. */
  readonly groups: readonly DrawnGroup<StepCard>[];
  update(tasks: readonly TaskCard[]): void;
  /** Marks the step, or the fold that it is in; or the fold of that name. */
  select(name: string | null): void;
  close(): void;
}

export interface DagOptions {
  /** The same for graphs that are the same: their layout is made once. */
  readonly key: string;
  readonly steps: readonly StepCard[];
  /** From top to bottom, for a narrow page. */
  readonly narrow: boolean;
  /** The name of a step, or of a fold. */
  readonly onSelect: (name: string) => void;
}

interface DrawnNode {
  readonly button: HTMLButtonElement;
  readonly place: Point;
  show(tasks: readonly TaskCard[]): void;
}

const margin = 6;
/** A graph that is a little too wide is drawn smaller; one that is much too wide is scrolled. */
const smallest = { wide: 0.72, narrow: 0.88 };
const zooms = [0.25, 0.35, 0.5, 0.72, 1];
/** More nodes than this are no picture any more; whoever wants it anyway may ask for it. */
const nodeLimit = 600;

/**
 * The graph of a definition with the states of one workflow's tasks. Its nodes are buttons in one stop of the tab key: arrows
 * go from one to the next. Where it is drawn depends on the graph alone, so no change of a state moves anything.
 */
export function drawDag(options: DagOptions): Dag {
  const groups = fold(options.steps);
  const stop = new AbortController();
  const canvas = h('div', { class: 'dag-canvas' });
  const scroll = h('div', { class: 'dag', role: 'group', 'aria-label': t('graph.label') }, canvas);
  const zoom = zoomButtons(scroll, canvas, options.narrow);
  const element = h('div', { class: 'dag-frame' }, scroll, zoom.element);
  const nodes = new Map<string, DrawnNode>();
  const lines: { readonly edge: LayoutEdge; readonly line: SVGPathElement }[] = [];
  const memberOf = new Map(
    groups.flatMap(({ name, steps }) => steps.map((step) => [step.name, name])),
  );
  let byGroup = new Map<string, readonly TaskCard[]>();
  let selected: string | null = null;

  const showLine = ({ edge, line }: (typeof lines)[number]): void => {
    const states = (byGroup.get(edge.from) ?? []).map(({ state }) => state);
    const passed =
      edge.kind === 'needs'
        ? states.length > 0 && states.every((state) => state === 'completed')
        : states.includes('failed');
    line.setAttribute('data-passed', String(passed));
  };
  const mark = (name: string, { button }: DrawnNode): void => {
    button.setAttribute('aria-pressed', String(name === selected));
  };
  const draw = async (layout: Layout, size: Size): Promise<void> => {
    const width = layout.width + 2 * margin;
    const height = layout.height + 2 * margin;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    zoom.sized(width);
    const edges = s('svg', {
      class: 'dag-edges',
      width,
      height,
      viewBox: `${-margin} ${-margin} ${width} ${height}`,
      'aria-hidden': 'true',
    });
    fill(canvas, edges);
    await inSlices(groups, stop.signal, (group) => {
      const place = layout.steps.get(group.name) ?? { x: 0, y: 0 };
      const node = drawNode(group, place, () => options.onSelect(group.name));
      node.button.style.left = `${place.x + margin}px`;
      node.button.style.top = `${place.y + margin}px`;
      node.button.style.width = `${size.width}px`;
      node.button.style.height = `${size.height}px`;
      node.button.tabIndex = nodes.size === 0 ? 0 : -1;
      node.show(byGroup.get(group.name) ?? []);
      mark(group.name, node);
      nodes.set(group.name, node);
      canvas.append(node.button);
    });
    await inSlices(layout.edges, stop.signal, (edge) => {
      const line = { edge, line: drawEdge(edge, options.narrow) };
      lines.push(line);
      showLine(line);
      edges.append(line.line);
    });
    element.dataset['drawn'] = String(nodes.size);
  };
  const begin = (): void => {
    const size = sizeOf(groups, options.narrow);
    const key = `${options.key}/${options.narrow ? 'down' : 'right'}`;
    const layout = layoutOf(key, groups, {
      direction: options.narrow ? 'down' : 'right',
      ...size,
      layerGap: options.narrow ? 40 : 64,
      stepGap: options.narrow ? 12 : 18,
    });
    if (layout instanceof Promise) {
      fill(canvas, h('p', { class: 'quiet dag-wait' }, t('graph.wait')));
      own(layout.then(async (made) => await draw(made, size)));
    } else {
      own(draw(layout, size));
    }
  };

  if (groups.length > nodeLimit) {
    const question = h(
      'div',
      { class: 'empty' },
      h('p', { class: 'quiet' }, t('graph.many', { count: groups.length })),
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            question.remove();
            begin();
          },
        },
        t('graph.anyway'),
      ),
    );
    canvas.append(question);
  } else {
    begin();
  }
  walkByArrows(canvas, nodes);
  return {
    element,
    groups,
    update: (tasks) => {
      const next = Map.groupBy(tasks, ({ step }) => memberOf.get(step) ?? step);
      const before = byGroup;
      byGroup = next;
      for (const [name, node] of nodes) {
        const now = next.get(name) ?? [];
        if (!sameTasks(before.get(name), now)) node.show(now);
      }
      for (const line of lines) showLine(line);
    },
    select: (name) => {
      selected = name === null ? null : (memberOf.get(name) ?? name);
      for (const [drawn, node] of nodes) mark(drawn, node);
    },
    close: () => {
      stop.abort();
      zoom.close();
    },
  };
}

/** What many tasks are together, for one icon. */
export function stateOfAll(tasks: readonly TaskCard[]): TaskState {
  const has = (state: TaskState): boolean => tasks.some((task) => task.state === state);
  if (has('running')) return 'running';
  if (has('retrying')) return 'retrying';
  if (has('pending')) return tasks.some(({ completed_at }) => completed_at) ? 'running' : 'pending';
  if (has('failed')) return 'failed';
  if (has('canceled')) return 'canceled';
  return has('completed') ? 'completed' : 'skipped';
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeOf(groups: readonly DrawnGroup<StepCard>[], narrow: boolean): Size {
  if (narrow) return { width: 154, height: 66 };
  const longest = Math.max(0, ...groups.map(({ steps }) => steps[0]?.name.length ?? 0));
  return { width: Math.round(Math.min(270, Math.max(196, 66 + longest * 8.2))), height: 62 };
}

function sameTasks(a: readonly TaskCard[] | undefined, b: readonly TaskCard[]): boolean {
  return a !== undefined && a.length === b.length && a.every((task, index) => task === b[index]);
}

function drawNode(group: DrawnGroup<StepCard>, place: Point, onSelect: () => void): DrawnNode {
  const [only] = group.steps;
  return group.steps.length === 1 && only !== undefined
    ? drawStep(only, place, onSelect)
    : drawFold(group, place, onSelect);
}

function drawStep(step: StepCard, place: Point, onSelect: () => void): DrawnNode {
  const icon = h('span', { class: 'step-icon' });
  // Until there is a task, what the step would run.
  const note = h('span', { class: 'step-note' }, step.task === step.name ? null : step.task);
  const time = duration();
  const bar = h('span', { class: 'step-bar' });
  const button = h(
    'button',
    { class: 'step', type: 'button', 'data-step': step.name, onclick: onSelect },
    icon,
    h(
      'span',
      { class: 'step-text' },
      h('span', { class: 'step-name', title: step.name }, step.name),
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
      h('span', { class: 'step-name', title: name }, h('b', {}, count), ' ', name),
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

/** How many tasks are in which state. */
export function countsOf(tasks: readonly TaskCard[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
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
  return task.attempt > 1
    ? `${words} · ${formatNumber(task.attempt)}/${formatNumber(attempts)}`
    : words;
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

/** Fits the graph into its frame as far as it stays readable, or as one has chosen. */
function zoomButtons(
  scroll: HTMLElement,
  canvas: HTMLElement,
  narrow: boolean,
): {
  readonly element: HTMLElement;
  sized(width: number): void;
  close(): void;
} {
  let width = 1;
  let chosen: number | null = null;
  let shown = 1;
  /** The zoom at which all of it is seen; the frame has some padding. */
  const whole = (): number => {
    const { paddingLeft, paddingRight } = getComputedStyle(scroll);
    const room = scroll.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    return room / width;
  };
  const apply = (): void => {
    const fitting = whole();
    const least = smallest[narrow ? 'narrow' : 'wide'];
    shown = chosen ?? Math.min(1, Math.max(least, fitting));
    canvas.style.setProperty('zoom', String(shown));
    setText(reading, formatPercent(shown));
    smaller.disabled = shown <= (zooms[0] ?? 0);
    larger.disabled = shown >= 1;
    // Where all is seen and can be read there is nothing to choose.
    element.hidden = chosen === null && fitting >= least;
  };
  const step = (to: number | undefined): void => {
    chosen = to ?? chosen;
    apply();
  };
  const smaller = h(
    'button',
    {
      class: 'small',
      type: 'button',
      'aria-label': t('graph.smaller'),
      onclick: () => step(zooms.findLast((zoom) => zoom < shown - 0.001)),
    },
    '−',
  );
  const larger = h(
    'button',
    {
      class: 'small',
      type: 'button',
      'aria-label': t('graph.larger'),
      onclick: () => step(zooms.find((zoom) => zoom > shown + 0.001)),
    },
    '+',
  );
  const reading = h('span', { class: 'number quiet' });
  const element = h(
    'div',
    { class: 'dag-zoom', role: 'group', 'aria-label': t('graph.zoom'), hidden: true },
    smaller,
    reading,
    larger,
    h(
      'button',
      {
        class: 'small',
        type: 'button',
        onclick: () => step(Math.min(1, Math.max(0.1, whole()))),
      },
      t('graph.fit'),
    ),
  );
  const observer = new ResizeObserver(apply);
  observer.observe(scroll);
  return {
    element,
    sized: (drawnWidth) => {
      width = drawnWidth;
      apply();
    },
    close: () => observer.disconnect(),
  };
}

/** Arrow keys go to the nearest node in their direction; only the one that was reached last is a stop of the tab key. */
function walkByArrows(canvas: HTMLElement, nodes: ReadonlyMap<string, DrawnNode>): void {
  const stopAt = (to: HTMLButtonElement): void => {
    for (const { button } of nodes.values()) button.tabIndex = button === to ? 0 : -1;
  };
  canvas.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLButtonElement) stopAt(target);
  });
  canvas.addEventListener('keydown', (event) => {
    const direction = directions.get(event.key);
    const from = [...nodes.values()].find(({ button }) => button === event.target);
    if (direction === undefined || from === undefined) return;
    event.preventDefault();
    nearest([...nodes.values()], from, direction)?.button.focus();
  });
}

const directions = new Map<string, Point>([
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowDown', { x: 0, y: 1 }],
  ['ArrowUp', { x: 0, y: -1 }],
]);

function nearest(nodes: readonly DrawnNode[], from: DrawnNode, to: Point): DrawnNode | null {
  let best: DrawnNode | null = null;
  let least = Infinity;
  for (const node of nodes) {
    const dx = node.place.x - from.place.x;
    const dy = node.place.y - from.place.y;
    const along = dx * to.x + dy * to.y;
    if (along <= 0) continue;
    const distance = along + 2 * Math.abs(dx * to.y + dy * to.x);
    if (distance < least) [best, least] = [node, distance];
  }
  return best;
}
