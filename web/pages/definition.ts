import { api, ApiError, type ListedStep, type WholeDefinition } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { curlOf, sdkOf, startBody } from '../form/commands.ts';
import { complain, focusWrong } from '../form/complain.ts';
import { inputForm } from '../form/input-form.ts';
import { formatDuration, formatMoment } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, PageContext } from '../page.ts';
import { copyButton } from '../parts/copy.ts';
import { drawDag } from '../parts/dag.ts';
import { narrow } from '../parts/narrow.ts';
import { messageOf } from '../parts/notice.ts';
import { payloadBlock } from '../parts/payload.ts';
import { may } from '../who.ts';

/** One definition: its graph, what its tasks may do, and a form that starts it. */
export const definitionPage: MountPage = (context) => {
  const { root, id: name, query, setTitle } = context;
  const stop = new AbortController();
  const version = query.get('version') ?? undefined;
  setTitle(name);
  fill(root, h('p', { class: 'empty quiet' }, t('common.loading')));
  api.definition(name, version, stop.signal).then(
    (definition) => fill(root, ...draw(definition, version, context, stop.signal)),
    (error: unknown) => {
      if (!stop.signal.aborted) showProblem(root, error);
    },
  );
  return () => stop.abort();
};

function showProblem(root: HTMLElement, error: unknown): void {
  const missing = error instanceof ApiError && error.status === 404;
  fill(
    root,
    h(
      'div',
      { class: 'empty' },
      h('h1', {}, missing ? t('definition.missing') : t('broken.heading')),
      h('p', { class: 'quiet' }, messageOf(error)),
      h('a', { href: '/definitions' }, t('definition.all')),
    ),
  );
}

function draw(
  definition: WholeDefinition,
  asked: string | undefined,
  context: PageContext,
  signal: AbortSignal,
): readonly HTMLElement[] {
  const { name, steps, version } = definition;
  const rows = new Map<string, HTMLElement>();
  const dag = drawDag({
    key: `${name}@${version}`,
    steps,
    narrow: narrow.matches,
    onSelect: (step) => {
      dag.select(step);
      for (const [key, row] of rows) row.classList.toggle('chosen', key === step);
      rows.get(step)?.scrollIntoView({ block: 'nearest' });
    },
  });
  signal.addEventListener('abort', () => dag.close());
  const schema = payloadBlock({
    label: t('definition.schema'),
    name: `${name}-input-schema`,
    whole: async () => definition.inputSchema,
  });
  if (definition.inputSchema !== undefined) {
    const text = JSON.stringify(definition.inputSchema);
    schema.show({ text, length: text.length, whole: true }, '');
  }
  return [
    h(
      'div',
      { class: 'page-head' },
      h(
        'div',
        { class: 'title' },
        h('a', { class: 'quiet back', href: '/definitions' }, `← ${t('nav.definitions')}`),
        h('h1', {}, name),
        h(
          'p',
          { class: 'quiet meta' },
          h('span', {}, t('definition.steps', { count: steps.length })),
          definition.timeoutMs !== null &&
            h('span', {}, t('definition.timeout', { time: formatDuration(definition.timeoutMs) })),
          h('span', {}, t(`definition.${definition.onFailure}`)),
          h(
            'a',
            { href: `/workflows?${new URLSearchParams({ name }).toString()}` },
            t('definition.workflows'),
          ),
        ),
      ),
      versionChoice(definition, context),
    ),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card' }, h('h2', {}, t('definition.graph')), dag.element),
      startForm(definition, asked === undefined ? '' : version, context),
      taskTable(steps, rows),
      definition.inputSchema !== undefined &&
        h('section', { class: 'card' }, h('h2', {}, t('definition.schema')), schema.element),
    ),
  ].filter((element) => element instanceof HTMLElement);
}

/**
 * Which version is shown; a workflow stays on the one that it began with, so old ones matter. Nothing chosen is what a start
 * at this node would take: its own, when it has code for one.
 */
function versionChoice(
  { name, version, versions }: WholeDefinition,
  { navigate }: PageContext,
): HTMLElement {
  const known = versions.some((each) => each.version === version)
    ? versions
    : [...versions, { version, registered_at: '' }];
  const choice = h(
    'select',
    {
      id: 'version',
      onchange: () => {
        const query = new URLSearchParams({ version: choice.value });
        navigate(`/definitions/${encodeURIComponent(name)}?${query.toString()}`);
      },
    },
    known.map((each, index) =>
      h(
        'option',
        { value: each.version, selected: each.version === version },
        each.version.slice(0, 12),
        index === 0 && ` · ${t('definition.newest')}`,
        each.registered_at !== '' && ` · ${formatMoment(new Date(each.registered_at))}`,
      ),
    ),
  );
  return h('label', { class: 'version-choice' }, t('definition.version'), choice);
}

function taskTable(steps: readonly ListedStep[], rows: Map<string, HTMLElement>): HTMLElement {
  return h(
    'section',
    { class: 'card table-card' },
    h('h2', {}, t('definition.tasks')),
    h(
      'table',
      { class: 'steps' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          [
            t('definition.step'),
            t('definition.needs'),
            t('definition.attempts'),
            t('definition.timeouts'),
          ].map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      h(
        'tbody',
        {},
        steps.map((step) => {
          const row = taskRow(step);
          rows.set(step.name, row);
          return row;
        }),
      ),
    ),
  );
}

function taskRow(step: ListedStep): HTMLElement {
  return h(
    'tr',
    { 'data-step': step.name },
    h(
      'td',
      { class: 'wide' },
      h('b', { class: 'row-link' }, step.name),
      step.task !== step.name && h('span', { class: 'mono quiet id' }, step.task),
      h(
        'span',
        { class: 'marks' },
        marksOf(step).map((mark) => h('span', { class: 'mark' }, mark)),
      ),
    ),
    factCell(t('definition.needs'), step.needs),
    factCell(t('definition.attempts'), retryLines(step)),
    factCell(t('definition.timeouts'), timeoutLines(step)),
  );
}

/** On a narrow page, where the table has no head, a cell says itself what it is about. */
function factCell(label: string, lines: readonly string[]): HTMLElement {
  return h(
    'td',
    { class: 'fact-lines', 'data-label': label, 'data-empty': lines.length === 0 },
    lines.length === 0 ? '–' : lines.map((line) => h('span', {}, line)),
  );
}

/** What is not as it is with most steps. */
function marksOf(step: ListedStep): readonly string[] {
  return [
    step.signal === undefined ? '' : t('definition.signal'),
    step.conditional ? t('definition.conditional') : '',
    step.mapped ? t('definition.mapped') : '',
    step.isolate ? t('definition.isolated') : '',
    step.onError === null ? '' : t('definition.onError', { step: step.onError }),
    step.priority === 3 ? '' : t('definition.priority', { priority: step.priority }),
  ].filter((mark) => mark !== '');
}

function retryLines({ retry, signal }: ListedStep): readonly string[] {
  // Nothing is run, so nothing is tried.
  if (signal !== undefined) return [];
  const { maxAttempts, initialIntervalMs, backoffCoefficient, maxIntervalMs } = retry;
  if (maxAttempts === 1) return [t('definition.once')];
  const first = formatDuration(initialIntervalMs);
  return [
    t('definition.times', { count: maxAttempts }),
    backoffCoefficient === 1
      ? t('definition.pause', { time: first })
      : t('definition.backoff', {
          time: first,
          factor: backoffCoefficient,
          most: formatDuration(maxIntervalMs),
        }),
    ...(retry.nonRetryable.length === 0
      ? []
      : [t('definition.never', { names: retry.nonRetryable.join(', ') })]),
  ];
}

function timeoutLines({ timeouts, signal }: ListedStep): readonly string[] {
  if (signal !== undefined) {
    const { scheduleToCloseMs: ms } = timeouts;
    return [
      ms === null
        ? t('definition.waits')
        : t('definition.waitsAtMost', { time: formatDuration(ms) }),
    ];
  }
  const named = [
    [timeouts.startToCloseMs, 'definition.startToClose'],
    [timeouts.scheduleToCloseMs, 'definition.scheduleToClose'],
    [timeouts.scheduleToStartMs, 'definition.scheduleToStart'],
    [timeouts.heartbeatMs, 'definition.heartbeat'],
  ] as const;
  return named.flatMap(([ms, key]) => (ms === null ? [] : [t(key, { time: formatDuration(ms) })]));
}

function startForm(
  definition: WholeDefinition,
  version: string,
  { who, navigate }: PageContext,
): HTMLElement {
  const { name } = definition;
  const input = inputForm(definition.inputSchema);
  const id = h('input', { id: 'start-id', autocomplete: 'off', spellcheck: 'false' });
  id.placeholder = t('start.id.hint');
  const tags = h('input', { id: 'start-tags', autocomplete: 'off', spellcheck: 'false' });
  tags.placeholder = 'team=billing, run=nightly';
  const wrong = h('div', { class: 'wrong', role: 'alert' });
  const allowed = may(who, 'operate');
  const submit = h(
    'button',
    { class: 'primary', type: 'submit', disabled: !allowed },
    t('start.submit'),
  );
  const curl = h('pre', { class: 'command', tabindex: 0, 'aria-label': 'curl' });
  const sdk = h('pre', { class: 'command', tabindex: 0, 'aria-label': 'TypeScript' });
  const call = () => ({
    url: window.location.origin,
    name,
    input: input.draft(),
    id: id.value.trim(),
    version,
    tags: tagsOf(tags.value),
    keyed: who.authentication !== 'none',
  });
  const showCommands = (): void => {
    const present = call();
    setText(curl, curlOf(present));
    setText(sdk, sdkOf(present));
  };
  const start = async (): Promise<void> => {
    const value = input.read();
    if (value === undefined) {
      focusWrong(form);
      return;
    }
    const made = await api.start(startBody({ ...call(), input: value }));
    navigate(`/workflows/${encodeURIComponent(made.id)}`);
  };
  const form = h(
    'form',
    {
      novalidate: true,
      oninput: showCommands,
      onsubmit: (event) => {
        event.preventDefault();
        fill(wrong);
        submit.disabled = true;
        start()
          .catch((error: unknown) => complain(error, { form, fields: input, place: wrong }))
          .finally(() => {
            submit.disabled = false;
          });
      },
    },
    input.element,
    h(
      'details',
      { class: 'more-fields' },
      h('summary', {}, t('start.more')),
      h('div', { class: 'field' }, h('label', { for: 'start-id' }, t('start.id')), id),
      h('div', { class: 'field' }, h('label', { for: 'start-tags' }, t('start.tags')), tags),
    ),
    wrong,
    h(
      'div',
      { class: 'actions' },
      !allowed && h('span', { class: 'quiet' }, t('start.forbidden')),
      submit,
    ),
  );
  showCommands();
  return h(
    'aside',
    { class: 'start-side', 'aria-label': t('start.heading') },
    h('section', { class: 'card' }, h('h2', {}, t('start.heading')), form),
    h(
      'section',
      { class: 'card commands' },
      h('h2', {}, t('start.commands')),
      h(
        'h3',
        {},
        'curl',
        copyButton(() => curl.textContent),
      ),
      curl,
      h(
        'h3',
        {},
        'TypeScript',
        copyButton(() => sdk.textContent),
      ),
      sdk,
    ),
  );
}

/** `a=1, b=2` -> { a: '1', b: '2' }. */
function tagsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    });
  return Object.fromEntries(pairs);
}
