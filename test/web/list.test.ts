import { expect } from 'chai';

import type { WorkflowRow } from '#http/live-protocol.ts';

import { atOnce, BulkRun } from '../../web/parts/bulk-run.ts';
import { ListModel } from '../../web/parts/list-model.ts';
import { nothing, pageState, toggle, togglePage } from '../../web/parts/selection.ts';
import {
  addressOf,
  everything,
  matches,
  parseTag,
  readFilter,
  restQuery,
} from '../../web/parts/workflow-filter.ts';
import { row, time } from '../support/rows.ts';

describe('the filter of the list', () => {
  const whole = {
    states: ['running', 'failed'] as const,
    name: 'order_processing',
    idPrefix: 'order:1',
    tags: { customer: 'acme & sons', 'a.b': '=' },
    after: '2026-01-02T03:04:05Z',
    before: '2026-02-02T03:04:05Z',
  };

  it('is in the address, and nowhere else', () => {
    const address = addressOf(whole);
    expect(readFilter(queryOf(address))).to.deep.equal(whole);
    expect(address).to.contain('state=running,failed').and.contain('after=2026-01-02T03:04:05Z');
    expect(addressOf(everything)).to.equal('/workflows');
    expect(queryOf(addressOf(everything, 'abc')).get('cursor')).to.equal('abc');
  });

  it('takes what is no filter for none', () => {
    const query = new URLSearchParams('state=asleep,failed&after=never&tag.=x&tag.y=');
    expect(readFilter(query)).to.deep.equal({ ...everything, states: ['failed'] });
  });

  it('is asked of the server by the names that it knows', () => {
    expect(Object.fromEntries(restQuery(whole))).to.deep.equal({
      state: 'running,failed',
      name: 'order_processing',
      id_prefix: 'order:1',
      'tag.customer': 'acme & sons',
      'tag.a.b': '=',
      created_after: '2026-01-02T03:04:05Z',
      created_before: '2026-02-02T03:04:05Z',
    });
  });

  for (const [filter, fits] of [
    [{}, true],
    [{ states: ['running', 'pending'] }, true],
    [{ states: ['failed'] }, false],
    [{ name: 'n' }, true],
    [{ name: 'N' }, false],
    [{ idPrefix: 'w' }, true],
    [{ idPrefix: 'x' }, false],
    [{ tags: { customer: 'acme' } }, true],
    [{ tags: { customer: 'acme', region: 'eu' } }, false],
    [{ after: time(5), before: time(6) }, true],
    [{ before: time(5) }, false],
    [{ after: time(6) }, false],
  ] as const) {
    it(`${fits ? 'finds' : 'does not find'} a row by ${JSON.stringify(filter)}`, () => {
      const one = row(5, { tags: { customer: 'acme' } });
      expect(matches({ ...everything, ...filter }, one)).to.equal(fits);
    });
  }

  it('reads a tag as key and value', () => {
    expect(parseTag(' customer = acme & sons ')).to.deep.equal(['customer', 'acme & sons']);
    expect(parseTag('a=b=c')).to.deep.equal(['a', 'b=c']);
    for (const wrong of ['', 'acme', '=acme', 'a b=c', 'a=', `${'k'.repeat(41)}=v`]) {
      expect(parseTag(wrong), wrong).to.equal(null);
    }
  });
});

describe('a page of the list', () => {
  it('keeps a row that the filter no longer wants at its place, and marks it', () => {
    const list = pageOf({ states: ['running'] }, [row(3), row(2), row(1)]);
    list.take(row(2, { state: 'completed', seq: 2 }), false);
    expect(shown(list)).to.deep.equal(['w3', 'w2 gone', 'w1']);
    list.take(row(2, { state: 'running', seq: 3 }), false);
    expect(shown(list)).to.deep.equal(['w3', 'w2', 'w1']);
  });

  it('ignores an older state of a row', () => {
    const list = pageOf({}, [row(1, { seq: 5, state: 'completed' })]);
    list.take(row(1, { seq: 4 }), false);
    list.loaded([row(1, { seq: 3 })], null, false);
    expect(list.get('w1')).to.include({ state: 'completed', seq: 5 });
  });

  it('takes new rows in at their places, but those that the filter does not want', () => {
    const list = pageOf({ states: ['running'] }, [row(5), row(3)]);
    list.take(row(4), false);
    list.take(row(6), false);
    list.take(row(7, { state: 'failed' }), false);
    expect(shown(list)).to.deep.equal(['w6', 'w5', 'w4', 'w3']);
  });

  it('lets new rows wait while somebody reads, counts them, and shows them when asked', () => {
    const list = pageOf({}, [row(1)]);
    list.take(row(2), true);
    list.take(row(3), true);
    list.take(row(3, { seq: 2 }), true);
    list.take(row(1, { seq: 2, state: 'failed' }), true);
    expect(list.held).to.equal(2);
    expect(shown(list)).to.deep.equal(['w1']);
    expect(list.get('w1')?.state).to.equal('failed');
    list.release();
    expect(list.held).to.equal(0);
    expect(shown(list)).to.deep.equal(['w3', 'w2', 'w1']);
  });

  it('forgets a row that waits when the filter no longer wants it', () => {
    const list = pageOf({ states: ['running'] }, [row(1)]);
    list.take(row(2), true);
    list.take(row(2, { seq: 2, state: 'completed' }), true);
    expect(list.held).to.equal(0);
  });

  it('leaves to other pages what belongs there', () => {
    const second = new ListModel(everything, false);
    second.loaded([row(8), row(6)], 'more', false);
    for (const n of [9, 7, 5]) second.take(row(n), false);
    expect(shown(second)).to.deep.equal(['w8', 'w7', 'w6']);
    const last = new ListModel(everything, false);
    last.loaded([row(8), row(6)], null, false);
    last.take(row(5), false);
    expect(shown(last)).to.deep.equal(['w8', 'w6', 'w5']);
  });

  it('has a limit', () => {
    const list = pageOf({}, []);
    for (let n = 0; n < 5_000; n += 1) list.take(row(n), false);
    expect(list.ids).to.have.length(200);
    expect(list.held).to.equal(1_000);
  });
});

describe('a selection of rows', () => {
  const page = ['a', 'b', 'c', 'd', 'e'];

  it('goes from the last row to the one that is clicked with shift, either way', () => {
    const first = toggle(nothing, 'd', page, false);
    expect(ids(toggle(first, 'b', page, true))).to.deep.equal(['b', 'c', 'd']);
    expect(ids(toggle(first, 'e', page, true))).to.deep.equal(['d', 'e']);
  });

  it('makes a range all as its end becomes', () => {
    const all = togglePage(nothing, page);
    const without = toggle(all, 'b', page, false);
    expect(ids(toggle(without, 'd', page, true))).to.deep.equal(['a', 'e']);
  });

  it('takes a row without an anchor alone', () => {
    expect(ids(toggle(nothing, 'c', page, true))).to.deep.equal(['c']);
    expect(ids(toggle({ ids: new Set(), anchor: 'gone' }, 'c', page, true))).to.deep.equal(['c']);
  });

  it('is all of the page, or nothing of it', () => {
    const some = toggle(nothing, 'c', page, false);
    expect(pageState(some, page)).to.equal('some');
    const all = togglePage(some, page);
    expect(pageState(all, page)).to.equal('all');
    expect(pageState(togglePage(all, page), page)).to.equal('none');
  });
});

describe('a bulk operation', () => {
  const all = Array.from({ length: 30 }, (_, n) => `w${n}`);

  it('runs eight at a time, each with its own end', async () => {
    let running = 0;
    let most = 0;
    const run = new BulkRun(all, {
      act: async (id) => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        if (id === 'w7') throw new Error('it has ended');
      },
      messageOf,
      changed: () => undefined,
    });
    await run.run();
    expect(most).to.equal(atOnce);
    expect([run.count('done'), run.count('refused')]).to.deep.equal([29, 1]);
    expect(run.items[7]).to.deep.equal({
      id: 'w7',
      state: { type: 'refused', message: 'it has ended' },
    });
  });

  it('begins nothing more once it is stopped, and lets what is under way end', async () => {
    const open: (() => void)[] = [];
    const run = new BulkRun(all, {
      act: async () => {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        open.push(() => resolve(undefined));
        await promise;
      },
      messageOf,
      changed: () => undefined,
    });
    const over = run.run();
    run.stop();
    expect([run.count('running'), run.count('stopped')]).to.deep.equal([8, 22]);
    for (const end of open) end();
    await over;
    expect([run.count('done'), run.count('stopped')]).to.deep.equal([8, 22]);
    expect(open).to.have.length(8);
  });
});

function ids(selection: typeof nothing): readonly string[] {
  return [...selection.ids].toSorted();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function queryOf(address: string): URLSearchParams {
  return new URL(address, 'http://localhost').searchParams;
}

function pageOf(filter: Partial<typeof everything>, rows: readonly WorkflowRow[]): ListModel {
  const list = new ListModel({ ...everything, ...filter }, true);
  list.loaded(rows, null, false);
  return list;
}

function shown(list: ListModel): readonly string[] {
  return list.shown.map(({ row: { id }, gone }) => (gone ? `${id} gone` : id));
}
