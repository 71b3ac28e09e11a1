import type { StepCard } from '#http/live-protocol.ts';

import { fill, h } from '../dom.ts';
import { formatMoment, formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { eventName } from './events-table.ts';
import { stepOf, type WorkflowEvent } from './events.ts';
import { jsonTree } from './json-tree.ts';
import { messageOf } from './notice.ts';
import { type Panel, panelFrame } from './panel.ts';

/** The whole of one event, as it is stored. */
export function eventPanel(
  seq: number,
  options: {
    readonly load: (signal: AbortSignal) => Promise<WorkflowEvent | null>;
    readonly steps: readonly StepCard[];
    readonly onClose: () => void;
    readonly onSelect: (step: string) => void;
  },
): Panel {
  const stop = new AbortController();
  const about = h('p', { class: 'quiet' });
  const body = h('div', {
    class: 'json',
    tabindex: 0,
    role: 'group',
    'aria-label': t('event.whole'),
  });
  const heading = h('h2', {}, `#${formatNumber(seq)}`);
  const element = panelFrame({
    label: t('event.panel', { number: seq }),
    heading: [heading],
    onClose: options.onClose,
    body: [about, body],
  });
  const show = (event: WorkflowEvent | null): void => {
    if (event === null) {
      fill(body, t('common.none'));
      return;
    }
    const number = stepOf(event);
    const step = number === null ? undefined : options.steps[number]?.name;
    fill(heading, `#${formatNumber(seq)} ${eventName(event)}`);
    fill(
      about,
      formatMoment(new Date(event.at)),
      step !== undefined && [
        ' · ',
        h('button', { class: 'link', type: 'button', onclick: () => options.onSelect(step) }, step),
      ],
    );
    fill(body, jsonTree(event));
  };
  fill(body, t('common.loading'));
  options.load(stop.signal).then(show, (error: unknown) => {
    if (!stop.signal.aborted) fill(body, h('span', { class: 'wrong' }, messageOf(error)));
  });
  return {
    element,
    close: () => {
      stop.abort();
      element.remove();
    },
  };
}
