import type { Counts, WorkflowRow, WorkflowState } from '#http/live-protocol.ts';

import { api, ApiError } from '../api.ts';
import { fill, h, setText } from '../dom.ts';
import { t } from '../i18n/text.ts';
import type { MountPage, Navigate, PageContext } from '../page.ts';
import { bulkBar } from '../parts/bulk-bar.ts';
import { allows, type BulkAction, openBulkDialog } from '../parts/bulk-dialog.ts';
import { filterBar } from '../parts/filter-bar.ts';
import { ListModel } from '../parts/list-model.ts';
import { messageOf, notice, own, problemText } from '../parts/notice.ts';
import { startDialog } from '../parts/start-dialog.ts';
import { stateTotals } from '../parts/state-totals.ts';
import {
  addressOf,
  everything,
  isNarrowed,
  readFilter,
  restQuery,
  states,
  type WorkflowFilter,
} from '../parts/workflow-filter.ts';
import { workflowsTable } from '../parts/workflows-table.ts';
import { may } from '../who.ts';

const pageSize = 50;
/** Counts of a filter are asked for anew when rows have changed, but not more often. */
const countEveryMs = 3_000;
/** Whoever has scrolled further reads, and new rows wait. */
const readsBelow = 200;

/** The list of workflows: those that a filter wants, as they change; how many in which state; what can be done with many. */
export const workflowsPage: MountPage = (context) => {
  const page = new List(context);
  return () => page.close();
};

class List {
  readonly #stop = new AbortController();
  readonly #setAddress: Navigate;
  readonly #unwatch: () => void;
  readonly #bar: ReturnType<typeof filterBar>;
  readonly #table: ReturnType<typeof workflowsTable>;
  readonly #totals: ReturnType<typeof stateTotals>;
  readonly #bulk: ReturnType<typeof bulkBar>;
  readonly #pill = h('button', { class: 'pill', type: 'button', hidden: true });
  /** Rows come all the time: what one is about to press stays the same button. */
  readonly #newest = h(
    'button',
    { type: 'button', hidden: true, onclick: () => this.#go(this.#model.filter) },
    t('list.newest'),
  );
  readonly #older = h(
    'button',
    {
      type: 'button',
      class: 'older',
      hidden: true,
      onclick: () => this.#go(this.#model.filter, this.#model.next),
    },
    t('list.older'),
  );
  readonly #clear = h(
    'button',
    { type: 'button', hidden: true, onclick: () => this.#go(everything) },
    t('filter.clear'),
  );
  readonly #said = h('p');
  readonly #empty = h('div', { class: 'empty quiet' }, this.#said, this.#clear);
  readonly #dialog: ReturnType<typeof startDialog>;
  #model: ListModel;
  #cursor: string | null;
  #live: { readonly counts: Counts; readonly missed: number } | null = null;
  /** Rows that the feed has told and that may belong to a page that is still being read. */
  #early: WorkflowRow[] = [];
  #loading = new AbortController();
  #counting: ReturnType<typeof setTimeout> | null = null;
  #isOver = false;

  constructor(context: PageContext) {
    const { root, query, connection, navigate, setAddress, setTitle, who } = context;
    this.#setAddress = setAddress;
    this.#cursor = query.get('cursor');
    this.#model = new ListModel(readFilter(query), this.#cursor === null);
    setTitle(t('nav.workflows'));
    this.#dialog = startDialog((id) => navigate(`/workflows/${encodeURIComponent(id)}`));
    this.#totals = stateTotals((state, also) => this.#chooseState(state, also));
    this.#bar = filterBar({
      now: () => connection.now(),
      chosen: (filter) => this.#go(filter),
    });
    this.#bulk = bulkBar({
      begin: (action) => this.#begin(action),
      clear: () => this.#table.clearSelection(),
    });
    this.#table = workflowsTable({
      mayAct: may(who, 'operate'),
      selected: () => this.#showBulk(),
    });
    this.#pill.addEventListener('click', () => this.#showNewer());
    const card = h('div', { class: 'card table-card' }, this.#table.element, this.#empty);
    // What one is about to click does not move away.
    for (const [event, over] of [
      ['pointerenter', true],
      ['pointerleave', false],
    ] as const) {
      card.addEventListener(event, () => {
        this.#isOver = over;
        this.#settle();
      });
    }
    card.addEventListener('focusout', () => queueMicrotask(() => this.#settle()));
    fill(
      root,
      h(
        'div',
        { class: 'page-head' },
        h('h1', {}, t('nav.workflows')),
        may(who, 'operate') &&
          h(
            'button',
            { class: 'primary', type: 'button', onclick: () => this.#dialog.open() },
            t('list.start'),
          ),
      ),
      this.#totals.element,
      this.#bar.element,
      this.#pill,
      card,
      h('nav', { class: 'pager', 'aria-label': t('list.pages') }, this.#newest, this.#older),
      this.#bulk.element,
      this.#dialog.element,
    );
    this.#open();
    this.#unwatch = connection.watch('workflows', {
      data: (data, ops) => {
        if (data.kind !== 'list') return;
        const before = this.#live;
        this.#live = { counts: data.counts, missed: data.missed };
        const rows =
          ops === null ? data.rows : ops.flatMap((op) => (op.op === 'row' ? [op.row] : []));
        this.#take(rows);
        this.#showCounts();
        // What is not among the newest is told once; a page that may have missed it asks.
        const missed = before !== null && (ops === null || before.missed !== data.missed);
        if (missed) own(this.#read(), this.#stop.signal);
      },
      refused: (problem) => notice(problemText(problem.code, problem.message), 'wrong'),
    });
    own(this.#offerNames(), this.#stop.signal);
  }

  close(): void {
    this.#stop.abort();
    this.#loading.abort();
    if (this.#counting !== null) clearTimeout(this.#counting);
    this.#unwatch();
  }

  /** Another filter, or another page of it: another address, and rows from the server. */
  #go(filter: WorkflowFilter, cursor: string | null = null): void {
    const address = addressOf(filter, cursor);
    const { pathname, search } = window.location;
    if (address === pathname + search) return;
    this.#setAddress(address);
    this.#model = new ListModel(filter, cursor === null);
    this.#cursor = cursor;
    this.#table.clearSelection();
    this.#open();
    if (cursor !== null) window.scrollTo(0, 0);
  }

  #open(): void {
    const { filter } = this.#model;
    this.#bar.show(filter);
    this.#totals.choose(filter.states);
    this.#totals.clear();
    this.#early = [];
    this.#show();
    this.#showCounts();
    if (isNarrowed(filter)) this.#countSoon(0);
    own(this.#read(), this.#stop.signal);
  }

  #chooseState(state: WorkflowState | null, also: boolean): void {
    const { filter } = this.#model;
    const { states: chosen } = filter;
    if (state === null) this.#go({ ...filter, states: [] });
    else if (also) {
      this.#go({
        ...filter,
        states: chosen.includes(state)
          ? chosen.filter((each) => each !== state)
          : states.filter((each) => each === state || chosen.includes(each)),
      });
    } else {
      const only = chosen.length === 1 && chosen[0] === state;
      this.#go({ ...filter, states: only ? [] : [state] });
    }
  }

  async #read(): Promise<void> {
    this.#loading.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const model = this.#model;
    const query = restQuery(model.filter);
    query.set('limit', String(pageSize));
    if (this.#cursor !== null) query.set('cursor', this.#cursor);
    try {
      const { workflows, next_cursor: next } = await api.workflows(
        query.toString(),
        loading.signal,
      );
      if (model !== this.#model) return;
      model.loaded(workflows, next ?? null, this.#isStill());
      for (const row of this.#early) model.take(row, this.#isStill());
      this.#early = [];
      this.#show();
    } catch (error) {
      if (loading.signal.aborted) return;
      if (error instanceof ApiError && error.status === 400) {
        this.#refused(error);
      } else {
        throw error;
      }
    }
  }

  /** The address says something that the server will not have: a cursor of another filter, or what is no name. */
  #refused(error: ApiError): void {
    if (error.fields.some(({ pointer }) => pointer.includes('cursor'))) {
      this.#setAddress(addressOf(this.#model.filter), 'replace');
      this.#model = new ListModel(this.#model.filter, true);
      this.#cursor = null;
      this.#open();
      return;
    }
    this.#sayEmpty(messageOf(error), { clear: true, wrong: true });
    this.#empty.hidden = false;
  }

  #take(rows: readonly WorkflowRow[]): void {
    if (rows.length === 0) return;
    if (!this.#model.isLoaded) this.#early = [...this.#early, ...rows].slice(-500);
    for (const row of rows) this.#model.take(row, this.#isStill());
    this.#show();
    if (isNarrowed(this.#model.filter)) this.#countSoon(countEveryMs);
  }

  /** Somebody reads or is about to click: nothing may move. */
  #isStill(): boolean {
    return (
      this.#isOver ||
      this.#table.selection.ids.size > 0 ||
      this.#table.element.contains(document.activeElement) ||
      document.querySelector('dialog[open]') !== null ||
      window.scrollY > readsBelow
    );
  }

  #settle(): void {
    if (this.#model.held === 0 || this.#isStill() || this.#stop.signal.aborted) return;
    this.#model.release();
    this.#show();
  }

  #showNewer(): void {
    this.#model.release();
    this.#show();
    window.scrollTo(0, 0);
  }

  #show(): void {
    const model = this.#model;
    const { shown, held } = model;
    this.#table.show(shown);
    this.#pill.hidden = held === 0;
    setText(this.#pill, t('list.new', { count: held }));
    this.#showEmpty(shown.length === 0);
    this.#newest.hidden = model.isFirstPage;
    this.#older.hidden = model.next === null;
    this.#showBulk();
  }

  #showEmpty(none: boolean): void {
    this.#table.element.hidden = none;
    this.#empty.hidden = !none;
    if (!none) return;
    const { filter, isLoaded } = this.#model;
    const filtered = addressOf(filter) !== '/workflows';
    if (!isLoaded) this.#sayEmpty(t('common.loading'));
    else if (filtered) this.#sayEmpty(t('list.nothing'), { clear: true });
    else this.#sayEmpty(t('list.none'));
  }

  #sayEmpty(text: string, { clear = false, wrong = false } = {}): void {
    this.#said.classList.toggle('wrong', wrong);
    setText(this.#said, text);
    this.#clear.hidden = !clear;
  }

  #showCounts(): void {
    const { filter } = this.#model;
    if (this.#live !== null && !isNarrowed(filter)) this.#totals.show(this.#live.counts);
  }

  /** How many of those that the filter wants are in which state: the feed counts all, so the server is asked. */
  #countSoon(afterMs: number): void {
    if (this.#counting !== null) {
      if (afterMs > 0) return;
      clearTimeout(this.#counting);
    }
    this.#counting = setTimeout(() => {
      this.#counting = null;
      own(this.#count(), this.#stop.signal);
    }, afterMs);
  }

  async #count(): Promise<void> {
    const model = this.#model;
    if (!isNarrowed(model.filter)) return;
    const counted = await Promise.all(
      states.map(async (state): Promise<[WorkflowState, number]> => {
        const query = restQuery({ ...model.filter, states: [state] });
        query.set('limit', '1');
        query.set('count', 'exact');
        const { total } = await api.workflows(query.toString(), this.#stop.signal);
        return [state, total ?? 0];
      }),
    );
    const none: Counts = { pending: 0, running: 0, completed: 0, failed: 0, canceled: 0 };
    if (model === this.#model) this.#totals.show({ ...none, ...Object.fromEntries(counted) });
  }

  async #offerNames(): Promise<void> {
    const { definitions } = await api.definitions();
    this.#bar.offer(definitions.map(({ name }) => name));
  }

  #chosen(action: BulkAction): readonly WorkflowRow[] {
    return [...this.#table.selection.ids].flatMap((id) => {
      const row = this.#model.get(id);
      return row !== null && allows(action, row) ? [row] : [];
    });
  }

  #showBulk(): void {
    this.#bulk.show({
      selected: this.#table.selection.ids.size,
      cancel: this.#chosen('cancel').length,
      retry: this.#chosen('retry').length,
    });
    this.#settle();
  }

  #begin(action: BulkAction): void {
    openBulkDialog(action, this.#chosen(action), (done) => {
      if (done.length > 0) this.#table.clearSelection();
    });
  }
}
