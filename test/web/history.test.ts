import { expect } from 'chai';

import type { WorkflowEvent } from '../../web/parts/events.ts';
import { History } from '../../web/parts/history.ts';

describe('the history of a workflow, in the console', () => {
  it('loads the pages that are looked at, and each once', async () => {
    const { history, asked, settled } = historyOf(50_000);
    history.grow(50_000);
    history.want(49_990, 50_000);
    history.want(49_980, 50_000);
    await settled();
    expect(asked).to.deep.equal([49_000]);
    expect(history.get(50_000)).to.include({ seq: 50_000 });
    expect(history.get(1)).to.equal(null);
    history.want(990, 1_010);
    await settled();
    expect(asked).to.deep.equal([49_000, 0, 1_000]);
    expect(history.get(1_001)).to.include({ seq: 1_001 });
  });

  it('reads everything from the beginning, without what may be large', async () => {
    const { history, asked } = historyOf(2_200);
    history.grow(2_200);
    await history.readThrough();
    expect(asked).to.deep.equal([0, 1_000, 2_000]);
    const read = [...history.read()].flat();
    expect(read.map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 2_200 }, (_, n) => n + 1),
    );
    expect(JSON.stringify(read)).not.to.contain('a large value');
  });

  it('loads the last page again when there is more, and only what is new of it is read', async () => {
    const { history, asked, grow } = historyOf(1_020);
    history.grow(1_020);
    await history.readThrough();
    grow(1_030);
    history.grow(1_030);
    await history.readThrough();
    expect(asked).to.deep.equal([0, 1_000, 1_000]);
    expect([...history.read(1_020)].flat().map(({ seq }) => seq)).to.include(1_030);
  });

  it('says that a page could not be loaded, and does not ask again at once', async () => {
    const { history, asked, failures, settled, fail } = historyOf(10);
    fail(new Error('the server is away'));
    history.grow(10);
    history.want(1, 10);
    await settled();
    history.want(1, 10);
    await history.readThrough();
    expect(asked).to.deep.equal([0]);
    expect(failures.map(String)).to.deep.equal(['Error: the server is away']);
    history.close();
  });
});

/** A history of so many events on a server that notes what it is asked for. */
function historyOf(count: number) {
  let known = count;
  let failure: Error | null = null;
  const asked: number[] = [];
  const failures: unknown[] = [];
  const loads: Promise<unknown>[] = [];
  const load = async (after: number, limit: number): Promise<readonly WorkflowEvent[]> => {
    asked.push(after);
    await Promise.resolve();
    if (failure !== null) throw failure;
    return Array.from({ length: Math.max(0, Math.min(limit, known - after)) }, (_, n) =>
      event(after + n + 1),
    );
  };
  const history = new History({
    load: async (after, limit) => {
      const loading = load(after, limit);
      loads.push(loading.catch(() => undefined));
      return await loading;
    },
    changed: () => undefined,
    failed: (error) => failures.push(error),
  });
  return {
    history,
    asked,
    failures,
    grow: (to: number) => {
      known = to;
    },
    fail: (error: Error) => {
      failure = error;
    },
    settled: async () => {
      await Promise.all(loads);
      // What follows from a load runs right after it.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function event(seq: number): WorkflowEvent {
  return {
    type: 'task.completed',
    seq,
    at: seq,
    step: 0,
    attempt: 1,
    startedAt: seq,
    node: 'a',
    output: 'a large value',
  };
}
