import { z } from 'zod';

import { workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * A long task as it should be written: it tells its progress, logs, leaves a heartbeat from which the next attempt goes on if
 * its node dies, and stops at once when it is canceled.
 */

const report = z.object({ title: z.string(), pages: z.int().positive().default(40) });

const bookmark = z.object({ page: z.int() });

export const longReport = workflow('long_report', { input: report })
  .task('write_pages', {
    timeouts: { startToClose: '10m', heartbeat: '10s' },
    run: async ({ title, pages }, { heartbeat, heartbeatDetails, log, progress, signal }) => {
      const last = bookmark.safeParse(heartbeatDetails);
      const first = last.success ? last.data.page + 1 : 1;
      log.info(first === 1 ? `"${title}" begins` : `"${title}" goes on from page ${first}`);
      for (let page = first; page <= pages; page += 1) {
        await pause(250, signal);
        heartbeat({ page });
        progress(page / pages, `page ${page} of ${pages}`);
        if (page % 10 === 0) log.info(`${page} pages are written`);
      }
      return { written: pages };
    },
  })
  .task('bind', {
    needs: ['write_pages'],
    run: async ({ title, written }, { signal }) => {
      await pause(400, signal);
      return { book: `${title}, ${written} pages` };
    },
  })
  .build();
