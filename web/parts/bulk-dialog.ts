import type { WorkflowRow } from '#http/live-protocol.ts';

import { api } from '../api.ts';
import { fill, h, keyed, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { type BulkItem, BulkRun, type ItemState } from './bulk-run.ts';
import { messageOf, own } from './notice.ts';

export type BulkAction = 'cancel' | 'retry';

/** What can be done with a workflow in this state. */
export function allows(action: BulkAction, row: WorkflowRow): boolean {
  return action === 'cancel' ? row.ended_at === undefined : row.state === 'failed';
}

/**
 * Cancels or retries many workflows: their ids are those that are listed when it is asked about, whatever comes and goes in the
 * list meanwhile. Shows how far it is and how each ended, and can be stopped.
 */
export function openBulkDialog(
  action: BulkAction,
  rows: readonly WorkflowRow[],
  closed: (done: readonly string[]) => void,
): void {
  let ids = rows.map(({ id }) => id);
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  const done: string[] = [];
  let run: BulkRun | null = null;
  const made = new Map<string, HTMLElement>();
  const list = h('ul', { class: 'bulk-items', tabindex: 0, 'aria-label': t('bulk.items') });
  const bar = h('i');
  const progress = h('div', { class: 'progress', hidden: true }, bar);
  const status = h('p', { role: 'status', class: 'quiet' });
  const reason = h('input', { name: 'reason', maxlength: 1000, autocomplete: 'off' });
  const question = h('label', { hidden: action !== 'cancel' }, t('cancel.reason'), reason);
  const start = h('button', {
    class: action === 'cancel' ? 'danger-fill' : 'primary',
    type: 'submit',
  });
  const stop = h(
    'button',
    { type: 'button', hidden: true, onclick: () => run?.stop() },
    t('bulk.stop'),
  );
  const back = h('button', { type: 'button', onclick: () => dialog.close() }, t('common.back'));
  const heading = h('h2', { id: 'bulk-title' });

  const show = (): void => {
    const items = run?.items ?? ids.map((id): BulkItem => ({ id, state: { type: 'waiting' } }));
    keyed(list, items, {
      key: ({ id }) => id,
      create: ({ id }) =>
        h(
          'li',
          {},
          h('span', { class: 'bulk-state' }),
          h(
            'span',
            {},
            h('b', {}, names.get(id) ?? ''),
            ' ',
            h('span', { class: 'mono quiet' }, id),
          ),
          h('span', { class: 'wrong bulk-said' }),
        ),
      update: showItem,
      made,
    });
    if (run === null) {
      setText(heading, t(`bulk.${action}.title`, { count: ids.length }));
      setText(start, t(`bulk.${action}.action`, { count: ids.length }));
      return;
    }
    const { length } = items;
    const counts = {
      done: run.count('done'),
      refused: run.count('refused'),
      stopped: run.count('stopped'),
    };
    const ended = counts.done + counts.refused + counts.stopped;
    bar.style.width = `${(ended / Math.max(1, length)) * 100}%`;
    setText(status, t('bulk.status', { ...counts, count: length }));
    const over = ended === length;
    stop.hidden = over;
    back.hidden = !over;
    setText(back, t('common.close'));
    start.hidden = !over || counts.refused + counts.stopped === 0;
    setText(start, t('bulk.again', { count: counts.refused + counts.stopped }));
  };
  const begin = async (): Promise<void> => {
    if (run !== null) {
      ids = run.items.filter(({ state }) => state.type !== 'done').map(({ id }) => id);
    }
    const why = reason.value.trim();
    const began = new BulkRun(ids, {
      act: async (id) => {
        await (action === 'cancel' ? api.cancel(id, why) : api.retry(id));
        done.push(id);
      },
      messageOf,
      changed: show,
    });
    run = began;
    question.hidden = true;
    progress.hidden = false;
    start.hidden = true;
    back.hidden = true;
    stop.hidden = false;
    stop.focus();
    show();
    await began.run();
    show();
    if (!back.hidden) back.focus();
  };
  const form = h(
    'form',
    {
      onsubmit: (event) => {
        event.preventDefault();
        own(begin());
      },
    },
    heading,
    h('p', { class: 'quiet', id: 'bulk-text' }, t(`bulk.${action}.text`)),
    progress,
    status,
    list,
    question,
    h('div', { class: 'actions' }, stop, back, start),
  );
  const dialog = h(
    'dialog',
    { class: 'bulk', 'aria-labelledby': 'bulk-title', 'aria-describedby': 'bulk-text' },
    form,
  );
  dialog.addEventListener('cancel', (event) => {
    // Escape stops what runs, and closes only when it is over.
    if (run === null || back.hidden === false) return;
    event.preventDefault();
    run.stop();
  });
  dialog.addEventListener('close', () => {
    run?.stop();
    dialog.remove();
    closed(done);
  });
  show();
  document.body.append(dialog);
  dialog.showModal();
}

const signs: Readonly<Record<ItemState['type'], string>> = {
  waiting: '·',
  running: '…',
  done: '✓',
  refused: '✕',
  stopped: '–',
};

function showItem(element: HTMLElement, { state }: BulkItem): void {
  if (element.dataset['state'] === state.type) return;
  element.dataset['state'] = state.type;
  const sign = element.querySelector('.bulk-state');
  const said = element.querySelector('.bulk-said');
  if (sign !== null)
    fill(
      sign,
      h('span', { 'aria-hidden': 'true' }, signs[state.type]),
      h('span', { class: 'unseen' }, t(`bulk.${state.type}`)),
    );
  if (said !== null) setText(said, state.type === 'refused' ? state.message : '');
}
