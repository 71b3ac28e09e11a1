import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { ClusterApi, WorkflowChange, WorkflowRow } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';
import { openDoors } from '../support/doors.ts';
import { withFeed } from '../support/feeds.ts';
import { collectGarbage } from '../support/garbage.ts';
import { LivePage } from '../support/live-page.ts';
import { StalledPage } from '../support/stalled-page.ts';

const pagesOfEach = 4;
const rounds = 100;
const rowsPerRound = 200;
const linesPerRound = 100;

describe('a page that stops reading', () => {
  it('costs the server at most 2 MB, whether it answers or not, while 20,000 rows and 10,000 lines are told', async () => {
    await using cluster = await startCluster({ definitions: [plain] });
    await cluster.api.start({ name: 'plain', id: 'w', input: {} });
    await cluster.api.result('w', 20_000);
    const told = toldApi(cluster.api);
    await using door = await openDoors([told.api]);
    const topics = ['workflows', 'workflow:w'];
    await using reader = await LivePage.open(door.url);
    await reader.watch('workflows');
    const open = async () => await StalledPage.watching(door.url, topics);
    using silent = new DisposableStack();
    const answering: StalledPage[] = [];
    for (let n = 0; n < pagesOfEach; n += 1) {
      silent.use(await open());
      answering.push(silent.use(await open()));
    }
    // The topics keep some of what happened, for whoever comes back: not for these pages.
    const tell = async (from: number, to: number): Promise<void> => {
      for (let round = from; round < to; round += 1) {
        told.rows(Array.from({ length: rowsPerRound }, (_, n) => row(round * rowsPerRound + n)));
        told.lines(
          Array.from({ length: linesPerRound }, (_, n) => line(round * linesPerRound + n)),
        );
        for (const page of answering) page.answer(2);
        await sleep(15);
      }
    };
    await tell(0, 20);
    const before = memory();

    await tell(20, rounds);

    const grown = memory() - before;
    const newest = `row-${rounds * rowsPerRound - 1}`;
    await reader.until((data) => data.kind === 'list' && data.rows.some(({ id }) => id === newest));
    expect(grown / (2 * pagesOfEach)).to.be.below(2 * 1024 * 1024);
  });
});

const plain = workflow('plain')
  .task('only', { run: () => ({}) })
  .build();

/** What owners tell, told by the test: as many changes as it likes. */
function toldApi(api: ClusterApi) {
  const rowListeners: ((rows: readonly WorkflowRow[]) => void)[] = [];
  const listeners: ((change: WorkflowChange) => void)[] = [];
  return {
    api: withFeed(api, {
      watchRows: (listener, missed) => {
        rowListeners.push(listener);
        return api.live.watchRows(listener, missed);
      },
      watchWorkflow: (id, listener) => {
        listeners.push(listener);
        return api.live.watchWorkflow(id, listener);
      },
    }),
    rows: (rows: readonly WorkflowRow[]): void => {
      for (const listener of rowListeners) listener(rows);
    },
    lines: (logs: WorkflowChange['logs']): void => {
      const change = { id: 'w', fromSeq: 0, seq: 0, workflow: ended, tasks: [], logs };
      for (const listener of listeners) listener(change);
    },
  };
}

/** Lines alone say nothing of the workflow. */
const ended: WorkflowChange['workflow'] = {
  id: 'w',
  name: 'plain',
  version: 'v',
  tags: {},
  input: {},
  state: 'completed',
  tasks: [],
  outputs: {},
  created_at: time(0),
};

function row(n: number): WorkflowRow {
  return {
    id: `row-${n}`,
    name: 'plain',
    version: 'v',
    tags: {},
    state: 'failed',
    seq: 1,
    error: 'x'.repeat(300),
    created_at: time(n),
    input: {},
    task_states: {},
  };
}

function line(n: number): WorkflowChange['logs'][number] {
  return { at: n, level: 'info', message: `${n} `.padEnd(2_000, 'x'), step: 0, attempt: 1 };
}

function time(n: number): string {
  return new Date(1_900_000_000_000 + n).toISOString();
}

function memory(): number {
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
