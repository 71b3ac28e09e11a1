import type { TaskCard, WorkflowData } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import type { MountPage } from '../page.ts';
import { type Dag, drawDag } from '../parts/dag.ts';
import { messageOf, notice } from '../parts/notice.ts';
import { payloadBlock } from '../parts/payload.ts';
import { setStateBadge, stateBadge } from '../parts/state.ts';
import { logBlock, type StepPanel, stepPanel } from '../parts/step-panel.ts';
import { ago, duration, setDuration } from '../time.ts';

const narrowBelow = 700;

/** One workflow: its graph as it turns green, its tasks, what went in and came out. */
export const workflowPage: MountPage = ({ root, id, connection, setTitle }) => {
  const stop = new AbortController();
  let view: View | null = null;
  setTitle(id);
  fill(root, h('p', { class: 'empty quiet' }, 'Loading…'));
  const unwatch = connection.watch(`workflow:${id}`, {
    data: (data) => {
      if (data.kind !== 'workflow') return;
      if (view === null) {
        view = createView(data, stop.signal);
        fill(root, ...view.elements);
        setTitle(`${data.workflow.name} · ${data.workflow.id}`);
      }
      view.update(data);
    },
    refused: (problem) => {
      fill(
        root,
        h(
          'div',
          { class: 'empty' },
          h(
            'h1',
            {},
            problem.status === 404 ? 'No such workflow' : 'This workflow cannot be shown',
          ),
          h('p', { class: 'quiet' }, problem.message),
          h('a', { href: '/workflows' }, 'All workflows'),
        ),
      );
    },
  });
  return () => {
    stop.abort();
    unwatch();
  };
};

interface View {
  readonly elements: readonly HTMLElement[];
  update(data: WorkflowData): void;
}

function createView(first: WorkflowData, signal: AbortSignal): View {
  const { id, name, version, created_at } = first.workflow;
  const badge = stateBadge(first.workflow.state);
  const time = duration();
  const done = h('span', { class: 'number' });
  const bar = h('i');
  const problem = h('div', { class: 'banner', role: 'alert', hidden: true });
  const cancel = h('button', { class: 'danger', type: 'button' }, 'Cancel');
  cancel.addEventListener('click', () => {
    cancel.disabled = true;
    api.cancel(id).then(
      () => notice('The workflow was canceled.'),
      (error: unknown) => {
        cancel.disabled = false;
        notice(messageOf(error), 'wrong');
      },
    );
  });
  const input = payloadBlock(
    'Input of the workflow',
    async () => (await api.workflow(id, signal)).input,
  );
  const output = payloadBlock(
    'Output of the workflow',
    async () => (await api.workflow(id, signal)).output,
  );
  const log = logBlock((step) => first.steps[step]?.name ?? String(step));
  const body = h('tbody');
  const made = new Map<string, HTMLTableRowElement>();
  const side = h('div', { class: 'side' });
  let data = first;
  let selected: string | null = null;
  let panel: StepPanel | null = null;
  const dag: Dag = drawDag(first.steps, {
    narrow: window.innerWidth < narrowBelow,
    onSelect: (step) => select(step === selected ? null : step),
  });

  const elements = [
    h(
      'div',
      { class: 'page-head' },
      h(
        'div',
        { class: 'title' },
        h('a', { class: 'quiet back', href: '/workflows' }, '← Workflows'),
        h('h1', {}, name, badge),
        h(
          'p',
          { class: 'quiet meta' },
          h(
            'button',
            {
              class: 'mono id copy',
              type: 'button',
              title: 'Copy the id',
              onclick: () => copy(id),
            },
            id,
          ),
          h('span', {}, 'version ', h('span', { class: 'mono' }, version.slice(0, 12))),
          h('span', {}, 'started ', ago(created_at)),
          h('span', {}, 'duration ', time),
        ),
      ),
      cancel,
    ),
    problem,
    h('div', { class: 'progress-line' }, h('div', { class: 'progress' }, bar), done),
    h(
      'div',
      { class: 'split' },
      h(
        'div',
        { class: 'main' },
        h('section', { class: 'card' }, h('h2', {}, 'Graph'), dag.element),
        h(
          'section',
          { class: 'card table-card' },
          h('h2', {}, 'Tasks'),
          h(
            'table',
            { class: 'tasks' },
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                ['State', 'Step', 'Attempts', 'Duration', 'Node'].map((title) =>
                  h('th', { scope: 'col' }, title),
                ),
              ),
            ),
            body,
          ),
        ),
        h(
          'div',
          { class: 'pair' },
          h('section', { class: 'card' }, h('h2', {}, 'Input'), input.element),
          h('section', { class: 'card' }, h('h2', {}, 'Output'), output.element),
        ),
        h('section', { class: 'card' }, h('h2', {}, 'Log'), log.element),
      ),
      side,
    ),
  ];

  function select(step: string | null): void {
    selected = step;
    dag.select(step);
    panel?.close();
    panel = null;
    const task = data.tasks.find((each) => each.step === step);
    if (task !== undefined) {
      panel = stepPanel(task, () => select(null));
      side.append(panel.element);
      showPanel();
    }
    side.dataset['open'] = String(panel !== null);
  }

  function showPanel(): void {
    const number = data.steps.findIndex((step) => step.name === selected);
    const task = data.tasks[number];
    if (task !== undefined)
      panel?.show(
        task,
        data.logs.filter((line) => line.step === number),
      );
  }

  return {
    elements,
    update: (newest) => {
      data = newest;
      const { workflow, tasks } = data;
      setStateBadge(badge, workflow.state);
      setDuration(time, workflow.started_at ?? workflow.created_at, workflow.ended_at);
      cancel.hidden = workflow.ended_at !== undefined;
      const ended = tasks.filter((task) => task.completed_at !== undefined).length;
      setText(done, `${ended} of ${tasks.length} steps ended`);
      bar.style.width = `${tasks.length === 0 ? 100 : (ended / tasks.length) * 100}%`;
      bar.dataset['state'] = workflow.state;
      showProblem(problem, data, select);
      dag.update(tasks);
      keyed(body, tasks, {
        key: (task) => task.id,
        create: (task) => createTask(task, () => select(task.step)),
        update: updateTask,
        made,
      });
      input.show(data.input, 'none');
      output.show(workflow.output, workflow.ended_at === undefined ? 'not yet' : 'none');
      log.show(data.logs);
      showPanel();
    },
  };
}

function showProblem(
  element: HTMLElement,
  { workflow }: WorkflowData,
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
    h('b', {}, workflow.state === 'canceled' ? 'Canceled: ' : 'Failed: '),
    workflow.error ?? '',
    step !== undefined && [
      ' ',
      h(
        'button',
        { class: 'small', type: 'button', onclick: () => select(step) },
        `in step ${step}`,
      ),
    ],
  );
}

function createTask(task: TaskCard, onSelect: () => void): HTMLTableRowElement {
  return h(
    'tr',
    { 'data-task': task.step },
    h('td', {}, stateBadge(task.state)),
    h(
      'td',
      { class: 'wide' },
      h('button', { class: 'row-link', type: 'button', onclick: onSelect }, task.step),
      task.type !== task.step && h('span', { class: 'quiet id' }, task.type),
      h('span', { class: 'row-error' }),
    ),
    h('td', { class: 'number' }),
    h('td', {}, duration()),
    h('td', { class: 'mono quiet' }),
  );
}

function updateTask(row: HTMLTableRowElement, task: TaskCard): void {
  const [stateCell, nameCell, attempts, time, node] = row.cells;
  const badge = stateCell?.querySelector<HTMLElement>('.badge');
  const error = nameCell?.querySelector<HTMLElement>('.row-error');
  const span = time?.querySelector<HTMLElement>('[data-form]');
  if (badge) setStateBadge(badge, task.state);
  if (error) {
    setText(error, task.error ?? task.reason ?? task.progress?.note ?? '');
    error.dataset['kind'] = task.error === undefined ? 'note' : 'error';
  }
  if (attempts)
    setText(attempts, task.attempt === 0 ? '–' : `${task.attempt} / ${task.max_retries + 1}`);
  if (span) setDuration(span, task.started_at, task.completed_at);
  if (node) setText(node, task.worker_id ?? '–');
}

function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => notice('Copied.'),
    (error: unknown) => notice(messageOf(error), 'wrong'),
  );
}
