import type { LogLine, TaskCard } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { formatClock, formatDuration, formatMoment, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { duration, setDuration } from '../time.ts';
import type { Attempt } from './attempts.ts';
import { logList } from './log-view.ts';
import { messageOf } from './notice.ts';
import { type Panel, panelFrame } from './panel.ts';
import { payloadBlock } from './payload.ts';
import { signalButton, type SignalContext } from './signal-buttons.ts';
import { setStateBadge, stateBadge, stateWord } from './state.ts';
import { attemptsOf, nodeName } from './tasks-table.ts';

export interface StepPanel extends Panel {
  show(task: TaskCard, logs: readonly LogLine[]): void;
  /** Oldest first; null while they are being read. */
  showAttempts(attempts: readonly Attempt[] | null): void;
}

/** Of a task that was tried thousands of times, the newest attempts are shown. */
const attemptLimit = 50;

/** All about one step: what went in and came out, each attempt with its error, what it said. */
export function stepPanel(
  first: TaskCard,
  options: {
    readonly onClose: () => void;
    /** The stack in the event of this number. */
    readonly stackOf: (seq: number) => Promise<string | undefined>;
    /** It runs nothing, and waits for the signal of its name. */
    readonly waits: boolean;
    /** null for whoever may send no signal. */
    readonly signals: Omit<SignalContext, 'home'> | null;
    readonly back?: { readonly text: string; readonly go: () => void } | undefined;
  },
): StepPanel {
  const stop = new AbortController();
  const whole = async () => await api.task(first.id, stop.signal);
  const badge = stateBadge(first.state);
  const type = h('dd');
  const tried = h('dd', { class: 'number' });
  const time = duration();
  const node = h('dd', { class: 'mono' });
  const since = h('dd');
  // What runs nothing has no type, is tried on no node, and is not tried: it waits.
  const ofRunning = options.waits
    ? []
    : [fact(t('task.type'), type), fact(t('column.attempts'), tried), fact(t('column.node'), node)];
  const ofWaiting = fact(t('task.since'), since);
  const next = fact(t('task.next'), h('dd'));
  const place = h('div', { class: 'signals' });
  const note = h('p', { class: 'quiet step-said' });
  const bar = h('i');
  const progress = h('div', { class: 'progress', role: 'img' }, bar);
  const failure = h('div', { class: 'failure' });
  const attempts = h('ol', { class: 'attempts' });
  const tries = h('div', {}, options.waits ? null : h('h3', {}, t('task.attempts')), attempts);
  const input = payloadBlock({
    label: t('payload.input'),
    name: `${first.id}-input`,
    whole: async () => (await whole()).input,
  });
  const output = payloadBlock({
    label: t('payload.output'),
    name: `${first.id}-output`,
    whole: async () => (await whole()).output,
  });
  const log = logList();
  let shownFailure = '';
  let state = first.state;
  let known: readonly Attempt[] = [];
  const showKind = (): void => {
    ofWaiting.hidden = state !== 'waiting';
    // That it waits, and since when, is said above.
    tries.hidden = state === 'waiting' && known.length <= 1;
  };
  const showSignal = ({ step }: TaskCard): void => {
    const { signals } = options;
    const isThere = place.childElementCount > 0;
    if (signals === null || (state === 'waiting') === isThere) return;
    if (!isThere) {
      const home = (): HTMLElement | null => element.querySelector<HTMLElement>('.close');
      place.append(signalButton({ ...signals, home }, step));
    } else {
      const hadFocus = place.contains(document.activeElement);
      fill(place);
      if (hadFocus) element.querySelector<HTMLElement>('.close')?.focus();
    }
  };
  const element = panelFrame({
    label: t('task.panel', { step: first.step }),
    heading: [h('h2', {}, first.step), badge],
    onClose: options.onClose,
    back: options.back,
    body: [
      h(
        'dl',
        { class: 'facts' },
        ofRunning.slice(0, 2),
        ofWaiting,
        fact(t('column.duration'), h('dd', {}, time)),
        ofRunning.slice(2),
        next,
      ),
      place,
      progress,
      note,
      failure,
      tries,
      h('h3', {}, t('payload.input')),
      input.element,
      h('h3', {}, t('payload.output')),
      output.element,
      h('h3', {}, t('log.title')),
      log.element,
    ],
  });
  return {
    element,
    show: (task, logs) => {
      state = task.state;
      showKind();
      showSignal(task);
      setStateBadge(badge, task.state);
      if (task.started_at !== undefined) setText(since, formatMoment(new Date(task.started_at)));
      setText(type, task.type);
      setText(tried, attemptsOf(task));
      setDuration(time, task.started_at, task.completed_at);
      setText(node, nodeName(task.worker_id));
      node.title = task.worker_id ?? '';
      next.hidden = task.next_attempt_at === undefined;
      const nextAt = next.querySelector('dd');
      if (nextAt !== null && task.next_attempt_at !== undefined) {
        setText(nextAt, formatClock(new Date(task.next_attempt_at)));
      }
      const fraction = task.progress?.fraction ?? null;
      progress.hidden = fraction === null || task.completed_at !== undefined;
      progress.setAttribute('aria-label', t('task.progress', { percent: percent(fraction) }));
      bar.style.width = `${percent(fraction)}%`;
      setText(note, task.reason ?? task.progress?.note ?? '');
      const failureKey = task.error === undefined ? '' : `${task.attempt} ${task.error}`;
      if (failureKey !== shownFailure) {
        shownFailure = failureKey;
        showFailure(failure, task, async () => (await whole()).failure?.stack);
      }
      input.show(task.input, t('common.none'));
      output.show(
        task.output,
        t(task.completed_at === undefined ? 'payload.later' : 'common.none'),
      );
      log.show(logs);
    },
    showAttempts: (all) => {
      known = all ?? known;
      showKind();
      showAttempts(attempts, all, options.stackOf);
    },
    close: () => {
      stop.abort();
      element.remove();
    },
  };
}

function percent(fraction: number | null): number {
  return Math.round(Math.min(1, Math.max(0, fraction ?? 0)) * 100);
}

function fact(name: string, value: HTMLElement): HTMLElement {
  return h('div', {}, h('dt', {}, name), value);
}

function showAttempts(
  place: HTMLElement,
  all: readonly Attempt[] | null,
  stackOf: (seq: number) => Promise<string | undefined>,
): void {
  if (all === null) {
    // What is known stays while more is read: of a step that nobody has tried, nothing may come for long.
    if (place.childElementCount === 0) {
      fill(place, h('li', { class: 'quiet' }, t('common.loading')));
    }
    return;
  }
  const key = JSON.stringify(
    all
      .slice(-attemptLimit)
      .map(({ number, delivery, outcome, startedAt }) => [number, delivery, outcome, startedAt]),
  );
  if (place.dataset['key'] === key) return;
  place.dataset['key'] = key;
  const newest = all.slice(-attemptLimit).toReversed();
  const older = all.length - newest.length;
  fill(
    place,
    all.length === 0 && h('li', { class: 'quiet' }, t('task.untried')),
    newest.map((attempt) => attemptItem(attempt, stackOf)),
    older > 0 && h('li', { class: 'quiet' }, t('task.older', { count: older })),
  );
}

function attemptItem(
  attempt: Attempt,
  stackOf: (seq: number) => Promise<string | undefined>,
): HTMLElement {
  const { number, delivery, outcome, waits, node, error, endedBy } = attempt;
  return h(
    'li',
    { 'data-outcome': outcome },
    h(
      'div',
      { class: 'attempt-line' },
      (!waits || number > 1) &&
        h(
          'b',
          { class: 'number' },
          `#${formatNumber(number)}${delivery > 1 ? `.${delivery}` : ''}`,
        ),
      h(
        'span',
        { class: 'outcome', 'data-outcome': waits && outcome === 'open' ? 'waiting' : outcome },
        waits && outcome === 'open' ? stateWord('waiting') : t(`outcome.${outcome}`),
      ),
      node !== null && h('span', { class: 'mono quiet' }, nodeName(node)),
      h('span', { class: 'quiet number attempt-times' }, timesOf(attempt)),
    ),
    error !== null &&
      h('p', { class: 'attempt-error' }, h('b', {}, error.name), ': ', error.message),
    error !== null && endedBy !== null && stackButton(async () => await stackOf(endedBy)),
  );
}

function timesOf({ waits, scheduledAt, startedAt, endedAt }: Attempt): string {
  const ranMs = startedAt === null || endedAt === null ? null : endedAt - startedAt;
  if (waits) return ranMs === null ? '' : t('attempt.waited', { time: formatDuration(ranMs) });
  const queued = formatDuration((startedAt ?? endedAt ?? scheduledAt) - scheduledAt);
  return ranMs === null
    ? t('attempt.queued', { time: queued })
    : t('attempt.times', { ran: formatDuration(ranMs), queued });
}

function showFailure(
  place: HTMLElement,
  task: TaskCard,
  stackOf: () => Promise<string | undefined>,
): void {
  if (task.error === undefined) {
    fill(place);
    return;
  }
  fill(
    place,
    h('h3', {}, t(task.state === 'completed' ? 'task.error.earlier' : 'task.error')),
    h('p', { class: 'wrong' }, h('b', {}, task.error_name ?? 'Error'), ': ', task.error),
    stackButton(stackOf),
  );
}

/** A stack is fetched when somebody wants to see it. */
function stackButton(stackOf: () => Promise<string | undefined>): HTMLElement {
  const stack = h('pre', { class: 'stack', tabindex: 0, hidden: true });
  const more = h(
    'button',
    {
      class: 'small',
      type: 'button',
      onclick: () => {
        stack.hidden = false;
        stack.focus();
        more.remove();
        stackOf().then(
          (text) => fill(stack, text ?? t('task.no-stack')),
          (error: unknown) => fill(stack, messageOf(error)),
        );
      },
    },
    t('task.stack'),
  );
  return h('div', {}, more, stack);
}
