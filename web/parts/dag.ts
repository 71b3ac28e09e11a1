import type { StepCard, TaskCard } from '#http/live-protocol.ts';

import { fill, h, s } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { drawEdge } from './dag-edge.ts';
import { type DrawnNode, drawNode } from './dag-node.ts';
import { walkByArrows } from './dag-walk.ts';
import { zoomButtons } from './dag-zoom.ts';
import { type DrawnGroup, fold } from './fold.ts';
import type { Layout, LayoutEdge } from './layout.ts';
import { layoutOf } from './layouts.ts';
import { own } from './notice.ts';
import { inSlices } from './slices.ts';

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

const margin = 6;
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
