import type { StepCard, WorkflowData } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, Navigate, PageContext } from '../page.ts';
import { Attempts } from '../parts/attempts.ts';
import { drawDag } from '../parts/dag.ts';
import { eventPanel } from '../parts/event-panel.ts';
import { eventsTable } from '../parts/events-table.ts';
import { foldName, type FoldPanel, foldPanel } from '../parts/fold-panel.ts';
import { History } from '../parts/history.ts';
import { inputAndOutput } from '../parts/input-output.ts';
import { logTab } from '../parts/log-view.ts';
import { narrow } from '../parts/narrow.ts';
import { messageOf, notice, own, problemText } from '../parts/notice.ts';
import type { Panel } from '../parts/panel.ts';
import { type StepPanel, stepPanel } from '../parts/step-panel.ts';
import { tabs } from '../parts/tabs.ts';
import { tasksTable } from '../parts/tasks-table.ts';
import { timeline } from '../parts/timeline.ts';
import { workflowHead } from '../parts/workflow-head.ts';
import { may } from '../who.ts';

const tabNames = ['graph', 'timeline', 'events', 'tasks', 'logs', 'io'] as const;
type TabName = (typeof tabNames)[number];

/** How long events are waited for that come right after others. */
const followAfterMs = 250;

/** One workflow: its graph as it turns green, when what ran, what went in and came out, and why it is not further. */
export const workflowPage: MountPage = (context) => {
  const { root, id, connection, setTitle } = context;
  let view: View | null = null;
  setTitle(id);
  fill(root, h('p', { class: 'empty quiet' }, t('common.loading')));
  const unwatch = connection.watch(`workflow:${id}`, {
    data: (data, _ops, ver) => {
      if (data.kind !== 'workflow') return;
      if (view === null) {
        view = new View(context, data);
        fill(root, ...view.elements);
        setTitle(`${data.workflow.name} · ${data.workflow.id}`);
      }
      view.update(data, Math.floor(ver));
    },
    refused: (problem) => {
      const missing = problem.status === 404;
      fill(
        root,
        h(
          'div',
          { class: 'empty' },
          h('h1', {}, t(missing ? 'workflow.missing' : 'workflow.refused')),
          h('p', { class: 'quiet' }, problemText(problem.code, problem.message)),
          h('a', { href: '/workflows' }, t('workflow.all')),
        ),
      );
    },
  });
  return () => {
    unwatch();
    view?.close();
  };
};

type Shown =
  | { readonly type: 'step'; readonly step: string; readonly panel: StepPanel }
  | { readonly type: 'fold'; readonly name: string; readonly panel: FoldPanel }
  | { readonly type: 'event'; readonly panel: Panel };

class View {
  readonly elements: readonly HTMLElement[];
  readonly #id: string;
  readonly #setAddress: Navigate;
  readonly #stop = new AbortController();
  readonly #steps: readonly StepCard[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #mayAct: boolean;
  readonly #history: History;
  readonly #attempts = new Attempts();
  readonly #side = h('div', { class: 'side' });
  readonly #head: ReturnType<typeof workflowHead>;
  readonly #dag: ReturnType<typeof drawDag>;
  readonly #timeline: ReturnType<typeof timeline>;
  readonly #events: ReturnType<typeof eventsTable>;
  readonly #tasks: ReturnType<typeof tasksTable>;
  readonly #log: ReturnType<typeof logTab>;
  readonly #io: ReturnType<typeof inputAndOutput>;
  readonly #tabs: ReturnType<typeof tabs<TabName>>;
  readonly #counts = { events: counter(), tasks: counter(), logs: counter() };
  #data: WorkflowData;
  #shown: Shown | null = null;
  /** What had the focus when the panel was opened. */
  #before: Element | null = null;
  #following: ReturnType<typeof setTimeout> | null = null;

  constructor(context: PageContext, first: WorkflowData) {
    const { id, name, version, created_at } = first.workflow;
    const { signal } = this.#stop;
    this.#id = id;
    this.#setAddress = context.setAddress;
    this.#data = first;
    this.#steps = first.steps;
    this.#numbers = new Map(first.steps.map((step, number) => [step.name, number]));
    const failed = (error: unknown): void => {
      if (!signal.aborted) notice(messageOf(error), 'wrong');
    };
    this.#history = new History({
      load: async (after, limit, stopped) => (await api.events(id, after, limit, stopped)).events,
      changed: () => this.#eventsCame(),
      failed,
    });
    const onSelect = (step: string): void => this.select(step);
    this.#mayAct = may(context.who, 'operate');
    this.#head = workflowHead(first, { mayAct: this.#mayAct, onSelect, stop: signal });
    this.#dag = drawDag({
      key: `${name}@${version}`,
      steps: first.steps,
      narrow: narrow.matches,
      onSelect: (step) => this.select(this.#selected === step ? null : step),
    });
    this.#timeline = timeline({
      steps: first.steps,
      attempts: this.#attempts,
      now: () => context.connection.now(),
      onSelect,
    });
    this.#events = eventsTable({
      history: this.#history,
      steps: first.steps,
      createdAt: created_at,
      onSelect: (seq) => this.#showEvent(seq),
      failed,
    });
    this.#tasks = tasksTable({ onSelect });
    this.#log = logTab((step) => first.steps[step]?.name ?? String(step));
    this.#io = inputAndOutput(id, signal);
    const wanted = tabNames.find((tab) => tab === context.query.get('tab')) ?? 'graph';
    this.#tabs = this.#makeTabs(wanted);
    this.elements = [
      ...this.#head.elements,
      h('div', { class: 'split' }, h('div', { class: 'main' }, this.#tabs.element), this.#side),
    ];
    const step = context.query.get('step');
    // The parts measure themselves, so they are in the page before anything is shown in them.
    queueMicrotask(() => {
      if (signal.aborted) return;
      this.#tabs.show(wanted);
      this.#watchTab(wanted);
      if (step !== null) this.select(step, { quietly: true });
    });
  }

  update(data: WorkflowData, seq: number): void {
    this.#data = data;
    this.#head.update(data);
    this.#dag.update(data.tasks);
    this.#tasks.show(data.tasks);
    this.#log.show(data.logs);
    this.#io.show(data);
    setText(this.#counts.tasks, formatNumber(data.tasks.length));
    setText(this.#counts.logs, data.logs.length === 0 ? '' : formatNumber(data.logs.length));
    setText(this.#counts.events, formatNumber(seq));
    if (seq > this.#history.newest) {
      this.#history.grow(seq);
      this.#follow();
    }
    this.#updateTimeline();
    this.#updatePanel();
  }

  close(): void {
    this.#stop.abort();
    if (this.#following !== null) clearTimeout(this.#following);
    this.#shown?.panel.close();
    this.#history.close();
    this.#dag.close();
    this.#timeline.close();
    this.#events.close();
    this.#tasks.close();
  }

  /** Shows a step, or the fold of that name, beside the page; null shows none. */
  select(name: string | null, how: { readonly quietly?: boolean } = {}): void {
    const group = this.#dag.groups.find((each) => each.name === name && each.steps.length > 1);
    const task = this.#data.tasks[this.#numbers.get(name ?? '') ?? -1];
    if (name === null || (group === undefined && task === undefined)) {
      this.#closePanel();
    } else if (group !== undefined) {
      const panel = foldPanel(group, {
        onClose: () => this.#closePanel(),
        onSelect: (step) => this.select(step),
      });
      this.#open({ type: 'fold', name, panel }, how);
    } else if (task !== undefined) {
      const fold = this.#dag.groups.find(
        ({ steps }) => steps.length > 1 && steps.some((step) => step.name === name),
      );
      const panel = stepPanel(task, {
        onClose: () => this.#closePanel(),
        stackOf: async (seq) => await this.#stackOf(seq),
        waits: this.#steps[this.#numbers.get(name) ?? -1]?.signal !== undefined,
        signals: this.#mayAct ? { workflow: this.#data.workflow, stop: this.#stop.signal } : null,
        back:
          fold === undefined
            ? undefined
            : { text: foldName(fold), go: () => this.select(fold.name) },
      });
      this.#open({ type: 'step', step: name, panel }, how);
      this.#follow();
    }
  }

  get #selected(): string | null {
    if (this.#shown?.type === 'step') return this.#shown.step;
    return this.#shown?.type === 'fold' ? this.#shown.name : null;
  }

  #makeTabs(first: TabName): ReturnType<typeof tabs<TabName>> {
    const contents: Record<TabName, () => HTMLElement> = {
      graph: () => h('section', { class: 'card graph-card' }, this.#dag.element),
      timeline: () => card(this.#timeline.element),
      events: () => card(this.#events.element),
      tasks: () => card(this.#tasks.element),
      logs: () => card(this.#log.element),
      io: () => this.#io.element,
    };
    const counts: Partial<Record<TabName, HTMLElement>> = this.#counts;
    return tabs<TabName>(
      tabNames.map((name) => ({
        name,
        title: t(`tab.${name}`),
        content: contents[name],
        ...(counts[name] === undefined ? {} : { count: counts[name] }),
      })),
      {
        label: t('tab.label'),
        first,
        chosen: (name) => {
          this.#watchTab(name);
          this.#writeAddress();
        },
      },
    );
  }

  #watchTab(name: TabName): void {
    this.#timeline.watched = name === 'timeline';
    this.#events.watched = name === 'events';
    this.#follow();
  }

  /** What is shown is in the address, so a reload or a link shows the same. */
  #writeAddress(): void {
    const query = new URLSearchParams();
    if (this.#tabs.current !== 'graph') query.set('tab', this.#tabs.current);
    if (this.#selected !== null) query.set('step', this.#selected);
    const text = query.toString();
    const { pathname } = window.location;
    this.#setAddress(text === '' ? pathname : `${pathname}?${text}`, 'replace');
  }

  #showEvent(seq: number): void {
    const panel = eventPanel(seq, {
      load: async (signal) => (await api.events(this.#id, seq - 1, 1, signal)).events[0] ?? null,
      steps: this.#steps,
      onClose: () => this.#closePanel(),
      onSelect: (step) => this.select(step),
    });
    this.#open({ type: 'event', panel }, {});
  }

  #open(shown: Shown, { quietly = false }: { readonly quietly?: boolean }): void {
    if (this.#shown === null) this.#before = document.activeElement;
    this.#shown?.panel.close();
    this.#shown = shown;
    this.#side.append(shown.panel.element);
    this.#side.dataset['open'] = 'true';
    this.#markSelected();
    this.#updatePanel();
    if (!quietly) shown.panel.element.querySelector<HTMLElement>('.close')?.focus();
  }

  #closePanel(): void {
    this.#shown?.panel.close();
    this.#shown = null;
    this.#side.dataset['open'] = 'false';
    this.#markSelected();
    const before = this.#before;
    if (before instanceof HTMLElement || before instanceof SVGElement) before.focus();
  }

  #markSelected(): void {
    const selected = this.#selected;
    this.#dag.select(selected);
    this.#timeline.select(selected);
    this.#tasks.select(selected);
    this.#writeAddress();
  }

  #updatePanel(): void {
    const shown = this.#shown;
    if (shown?.type === 'step') {
      const number = this.#numbers.get(shown.step) ?? -1;
      const task = this.#data.tasks[number];
      if (task === undefined) return;
      shown.panel.show(
        task,
        this.#data.logs.filter((line) => line.step === number),
      );
      const read = this.#attempts.seq >= this.#history.newest;
      const attempts = this.#attempts.of(number);
      shown.panel.showAttempts(read || attempts.length > 0 ? attempts : null);
    }
    if (shown?.type === 'fold') {
      const names = new Set(
        this.#dag.groups.find(({ name }) => name === shown.name)?.steps.map(({ name }) => name),
      );
      shown.panel.show(this.#data.tasks.filter((task) => names.has(task.step)));
    }
  }

  /** Somebody looks at attempts or events, so those that are new are fetched; the others are not. */
  #follow(): void {
    if (this.#following !== null) return;
    const wanted = this.#timeline.watched || this.#shown?.type === 'step';
    if (!wanted && !this.#events.watched) return;
    this.#following = setTimeout(
      () => {
        this.#following = null;
        this.#events.update();
        if (wanted) own(this.#history.readThrough(), this.#stop.signal);
      },
      this.#history.isEmpty ? 0 : followAfterMs,
    );
  }

  #eventsCame(): void {
    for (const events of this.#history.read(this.#attempts.seq)) this.#attempts.take(events);
    this.#events.update();
    this.#updateTimeline();
    this.#updatePanel();
    if (this.#attempts.seq < this.#history.newest) this.#follow();
  }

  #updateTimeline(): void {
    const { workflow, tasks } = this.#data;
    this.#timeline.update({
      tasks,
      createdAt: workflow.created_at,
      endedAt: workflow.ended_at,
      read: { events: this.#attempts.seq, of: this.#history.newest },
    });
  }

  async #stackOf(seq: number): Promise<string | undefined> {
    const { events } = await api.events(this.#id, seq - 1, 1, this.#stop.signal);
    const [event] = events;
    return event?.type === 'task.failed' ? event.failure.stack : undefined;
  }
}

function card(element: HTMLElement): HTMLElement {
  return h('section', { class: 'card' }, element);
}

function counter(): HTMLElement {
  return h('span', { class: 'count number' });
}
