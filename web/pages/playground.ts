import type { ClusterData, NodeCard, WorkflowRow, WorkflowState } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import { formatClock, formatDuration, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, PageContext } from '../page.ts';
import { nodeState, setNodeState } from '../parts/node-state.ts';
import { messageOf, notice } from '../parts/notice.ts';
import { advanceRecovery, beginRecovery, countFrom, type Recovery } from '../parts/recovery.ts';
import { stateIcon, stateWord } from '../parts/state.ts';
import { type Sample, samples } from '../samples.ts';
import { may } from '../who.ts';

const burstSize = 100;
/** A browser has as many connections to one server, and the page needs some itself. */
const startsAtOnce = 4;
const busyEveryMs = 200;
/** Whoever forgets it has it stopped. */
const busyForMs = 120_000;
const keptRecoveries = 5;
/** From the answer that a node is killed until everything that it said is here. */
const lastWordsMs = 500;

/** Short workflows of several steps, so that something moves all the time. */
const short: readonly Sample[] = [
  samples.order,
  samples.pipeline,
  samples.registration,
  samples.flaky,
];

/** Start things, break things, and watch them go on. In development mode alone. */
export const playgroundPage: MountPage = (context) => {
  const { root, connection, who, setTitle } = context;
  const stop = new AbortController();
  setTitle(t('nav.playground'));
  if (!who.dev) {
    fill(
      root,
      h(
        'div',
        { class: 'empty' },
        h('h1', {}, t('nav.playground')),
        h('p', { class: 'quiet' }, t('play.notHere')),
      ),
    );
    return () => undefined;
  }
  const strip = stripCard();
  const nodes = nodesCard(who.scopes.includes('admin'), (name) => kill(name));
  let rows: readonly WorkflowRow[] = [];
  let recoveries: readonly Recovery[] = [];

  const follow = (): void => {
    recoveries = recoveries.map((each) => advanceRecovery(each, rows, performance.now()));
    strip.show(rows);
    nodes.showRecoveries(recoveries);
  };
  const change = (to: (recovery: Recovery) => Recovery | null, of: Recovery): void => {
    recoveries = recoveries.flatMap((each) => {
      if (each.killedAtMs !== of.killedAtMs) return [each];
      return to(each) ?? [];
    });
    nodes.showRecoveries(recoveries);
  };
  const kill = (name: string): void => {
    const recovery = beginRecovery(name, performance.now());
    recoveries = [recovery, ...recoveries].slice(0, keptRecoveries);
    nodes.showRecoveries(recoveries);
    killed(name).then(
      () => change((each) => countFrom(each, rows), recovery),
      (error: unknown) => {
        change(() => null, recovery);
        notice(messageOf(error), 'wrong');
      },
    );
  };

  fill(
    root,
    h(
      'div',
      { class: 'page-head' },
      h('div', {}, h('h1', {}, t('nav.playground')), h('p', { class: 'quiet' }, t('play.hint'))),
    ),
    h(
      'div',
      { class: 'playground' },
      samplesCard(context, stop.signal),
      strip.element,
      nodes.element,
    ),
  );
  const unwatchRows = connection.watch('workflows', {
    data: (data) => {
      if (data.kind !== 'list') return;
      rows = data.rows;
      follow();
    },
    refused: (problem) => notice(problem.message, 'wrong'),
  });
  const unwatchCluster = connection.watch('cluster', {
    data: (data) => {
      if (data.kind === 'cluster') nodes.show(data);
    },
    refused: (problem) => notice(problem.message, 'wrong'),
  });
  return () => {
    stop.abort();
    unwatchRows();
    unwatchCluster();
  };
};

/** Resolves when the node is gone, and what it said before has come. */
async function killed(name: string): Promise<void> {
  try {
    await api.kill(name);
  } catch (error) {
    // A node that kills itself may not get to say so.
    if (!(error instanceof TypeError)) throw error;
  }
  await new Promise((resolve) => setTimeout(resolve, lastWordsMs));
}

function samplesCard({ who, navigate }: PageContext, signal: AbortSignal): HTMLElement {
  const allowed = may(who, 'operate');
  const offered = [
    { sample: samples.order, what: t('play.order') },
    { sample: samples.pipeline, what: t('play.pipeline') },
    { sample: samples.flaky, what: t('play.flaky') },
    { sample: samples.failing, what: t('play.failing') },
    { sample: samples.refund, what: t('play.refund') },
    { sample: samples.report, what: t('play.report') },
    { sample: samples.approval, what: t('play.approval') },
  ];
  const start = async (sample: Sample): Promise<void> => {
    const { id } = await api.start(sample);
    navigate(`/workflows/${encodeURIComponent(id)}`);
  };
  const button = (text: string, label: string, act: () => Promise<void>): HTMLButtonElement => {
    const made = h(
      'button',
      {
        type: 'button',
        disabled: !allowed,
        'aria-label': label,
        onclick: () => {
          made.disabled = true;
          act()
            .catch((error: unknown) => notice(messageOf(error), 'wrong'))
            .finally(() => {
              made.disabled = false;
            });
        },
      },
      text,
    );
    return made;
  };
  const burst = button(t('play.burst'), t('play.burst'), async () => {
    await startMany(burstSize);
    notice(t('play.burst.done', { count: burstSize }));
  });
  burst.classList.add('primary');
  return h(
    'section',
    { class: 'card samples' },
    h('h2', {}, t('play.samples')),
    h(
      'ul',
      {},
      offered.map(({ sample, what }) =>
        h(
          'li',
          {},
          h('div', {}, h('b', {}, sample.name), h('p', { class: 'quiet' }, what)),
          button(t('common.start'), `${t('common.start')} ${sample.name}: ${what}`, async () => {
            await start(sample);
          }),
        ),
      ),
    ),
    h('div', { class: 'actions' }, busyButton(signal, allowed), burst),
  );
}

/** Goes on starting workflows, so that there is always something to interrupt. */
function busyButton(signal: AbortSignal, allowed: boolean): HTMLElement {
  let timer: ReturnType<typeof setInterval> | null = null;
  let count = 0;
  const button = h('button', { type: 'button', disabled: !allowed, 'aria-pressed': 'false' });
  const show = (): void => {
    setText(button, timer === null ? t('play.busy') : t('play.busy.stop'));
    button.setAttribute('aria-pressed', String(timer !== null));
  };
  const end = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    show();
  };
  const begin = (): void => {
    const startedAt = performance.now();
    timer = setInterval(() => {
      if (performance.now() - startedAt > busyForMs) end();
      else startOne((count += 1)).catch(() => undefined); // Its node may be the one that was killed.
    }, busyEveryMs);
    show();
  };
  button.addEventListener('click', () => (timer === null ? begin() : end()));
  signal.addEventListener('abort', end);
  show();
  return button;
}

async function startMany(count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await startOne((next += 1));
  };
  await Promise.all(Array.from({ length: startsAtOnce }, work));
}

async function startOne(number: number): Promise<void> {
  const sample = short[number % short.length] ?? samples.order;
  await api.start(sample);
}

const shownStates: readonly WorkflowState[] = [
  'running',
  'pending',
  'completed',
  'failed',
  'canceled',
];

/** The newest workflows, a cell for each, which fills as its steps end. */
function stripCard(): {
  readonly element: HTMLElement;
  show(rows: readonly WorkflowRow[]): void;
} {
  const cells = h('div', { class: 'strip', role: 'img' });
  const made = new Map<string, HTMLElement>();
  const none = h('p', { class: 'quiet' }, t('play.nothing'));
  const counts = h('p', { class: 'legend' });
  return {
    element: h(
      'section',
      { class: 'card strip-card' },
      h('header', {}, h('h2', {}, t('play.strip')), counts),
      cells,
      none,
    ),
    show: (rows) => {
      none.hidden = rows.length > 0;
      // The oldest first, so that a cell stays where it is while new ones come.
      keyed(cells, rows.toReversed(), {
        key: ({ id }) => id,
        create: () => h('i'),
        update: updateCell,
        made,
      });
      const states = shownStates
        .map((state) => ({ state, count: rows.filter((row) => row.state === state).length }))
        .filter(({ count }) => count > 0);
      fill(
        counts,
        states.map(({ state, count }) =>
          h(
            'span',
            { 'data-state': state },
            stateIcon(state),
            stateWord(state),
            ' ',
            h('b', { class: 'number' }, formatNumber(count)),
          ),
        ),
      );
      cells.setAttribute(
        'aria-label',
        states.map(({ state, count }) => `${formatNumber(count)} ${stateWord(state)}`).join(', '),
      );
    },
  };
}

function updateCell(cell: HTMLElement, row: WorkflowRow): void {
  if (cell.dataset['seq'] === String(row.seq)) return;
  cell.dataset['seq'] = String(row.seq);
  cell.dataset['state'] = row.state;
  cell.title = `${row.name} ${row.id}: ${stateWord(row.state)}`;
  const all = Object.values(row.task_states).reduce((sum, count) => sum + count, 0);
  const { completed = 0, skipped = 0, failed = 0, canceled = 0 } = row.task_states;
  const ended = completed + skipped + failed + canceled;
  const fraction = row.ended_at !== undefined || all === 0 ? 1 : ended / all;
  cell.style.setProperty('--done', `${Math.round(fraction * 100)}%`);
}

/** The nodes with a button each that kills them, and how long it took to go on. */
function nodesCard(
  allowed: boolean,
  kill: (name: string) => void,
): {
  readonly element: HTMLElement;
  show(data: ClusterData): void;
  showRecoveries(recoveries: readonly Recovery[]): void;
} {
  const list = h('ul', { class: 'victims' });
  const made = new Map<string, HTMLElement>();
  const results = h('ol', { class: 'recoveries', 'aria-live': 'polite' });
  return {
    element: h(
      'section',
      { class: 'card' },
      h('h2', {}, t('play.break')),
      h('p', { class: 'quiet' }, t('play.break.hint')),
      list,
      !allowed && h('p', { class: 'quiet' }, t('cluster.needsAdmin')),
      results,
    ),
    show: ({ nodes, node: here }) => {
      keyed(list, nodes, {
        key: ({ name }) => name,
        create: ({ name }) => victim(name, allowed, () => kill(name)),
        update: (element, node) => updateVictim(element, node, node.name === here, allowed),
        made,
      });
    },
    showRecoveries: (recoveries) => {
      fill(results, recoveries.map(recoveryItem));
    },
  };
}

function victim(name: string, allowed: boolean, onKill: () => void): HTMLElement {
  return h(
    'li',
    { 'data-node': name },
    nodeState('up'),
    h('b', {}, name),
    h('span', { class: 'here', hidden: true }, t('cluster.here')),
    h('span', { class: 'quiet victim-shards' }),
    h(
      'button',
      {
        class: 'danger',
        type: 'button',
        disabled: !allowed,
        'aria-label': t('play.kill.node', { name }),
        onclick: onKill,
      },
      t('play.kill'),
    ),
  );
}

function updateVictim(
  element: HTMLElement,
  node: NodeCard,
  isHere: boolean,
  allowed: boolean,
): void {
  const badge = element.querySelector<HTMLElement>('.node-state');
  const here = element.querySelector<HTMLElement>('.here');
  const shards = element.querySelector<HTMLElement>('.victim-shards');
  const button = element.querySelector<HTMLButtonElement>('button');
  if (badge !== null) setNodeState(badge, node.state);
  if (here !== null) here.hidden = !isHere;
  if (shards !== null) setText(shards, t('play.shards', { count: node.shards }));
  if (button !== null) button.disabled = !allowed || node.state === 'down';
}

function recoveryItem({ node, killedAtMs, running, waiting, tookMs }: Recovery): HTMLElement {
  const at = formatClock(new Date(performance.timeOrigin + killedAtMs));
  return h(
    'li',
    { 'data-took': tookMs },
    h('span', { class: 'quiet' }, t('play.killed', { node, time: at })),
    (waiting === null || running > 0) &&
      h('b', { class: 'number' }, tookMs === null ? '…' : formatDuration(tookMs)),
    waiting !== null &&
      h(
        'span',
        {},
        running === 0
          ? t('play.noneRan')
          : t('play.moved', { moved: running - waiting.size, count: running }),
      ),
  );
}
