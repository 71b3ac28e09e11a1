import type { Why } from '#actors/why.ts';

import { fill, h } from '../dom.ts';
import { formatClock, formatMoment } from '../i18n/format.ts';
import { rich, t } from '../i18n/text.ts';
import { countdown, duration, setDuration } from '../time.ts';
import { icon } from './icon.ts';
import { nodeName } from './tasks-table.ts';

/** One line that says why a workflow is not further: the cluster's own reason, in words. */
export function whyLine(onSelect: (step: string) => void): {
  readonly element: HTMLElement;
  show(why: Why | undefined): void;
} {
  const words = h('span', { class: 'why-words' });
  const element = h('p', { class: 'why', role: 'status', hidden: true }, icon('why'), words);
  let shown = '';
  return {
    element,
    show: (why) => {
      const key = JSON.stringify(why) ?? '';
      if (key === shown) return;
      shown = key;
      element.hidden = why === undefined;
      if (why === undefined) {
        fill(words);
        return;
      }
      element.dataset['code'] = why.code;
      fill(words, ...wordsOf(why, onSelect), ...untilOf(why));
    },
  };
}

type Words = readonly (Node | string)[];

function wordsOf(why: Why, onSelect: (step: string) => void): Words {
  const text = (name: string): string => String(why.params[name] ?? '');
  const step = stepLink(why.step ?? text('step'), onSelect);
  switch (why.code) {
    case 'STARTING':
      return why.step === undefined ? [t('why.STARTING')] : rich('why.STARTING.step', { step });
    case 'WAITING_FOR_OWNER':
      return [t('why.WAITING_FOR_OWNER')];
    case 'RUNNING':
    case 'RUNNING_SILENT': {
      const time = duration();
      setDuration(time, momentOf(why.params['since']), undefined);
      const node = nodeName(text('node'));
      return rich(`why.${why.code}`, { step, node, attempt: text('attempt'), time });
    }
    case 'WAITING_FOR_RETRY':
      return rich('why.WAITING_FOR_RETRY', {
        step,
        attempt: text('attempt'),
        max: text('max'),
        error: h('q', {}, text('error')),
      });
    case 'WAITING_FOR_SIGNAL': {
      const time = duration();
      setDuration(time, momentOf(why.params['since']), undefined);
      return rich('why.WAITING_FOR_SIGNAL', { step, time });
    }
    case 'NO_NODE_OFFERS_TYPE':
      return rich('why.NO_NODE_OFFERS_TYPE', { step, type: h('code', {}, text('type')) });
    case 'WAITING_FOR_CAPACITY':
      return rich('why.WAITING_FOR_CAPACITY', { step, type: h('code', {}, text('type')) });
  }
}

function untilOf({ code, until }: Why): Words {
  if (until === undefined) return [];
  const at = new Date(until);
  // A clock alone would be taken for today's.
  const clock = at.getTime() - Date.now() < dayMs ? formatClock(at) : formatMoment(at);
  const params = { left: countdown(until), clock };
  const words: Words = rich(untilKeys[code] ?? 'why.until', params);
  return [' ', ...words];
}

const dayMs = 24 * 60 * 60 * 1000;

const untilKeys: Partial<Record<Why['code'], 'why.given-up' | 'why.times-out'>> = {
  RUNNING_SILENT: 'why.given-up',
  WAITING_FOR_SIGNAL: 'why.times-out',
};

function momentOf(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : new Date(value).toISOString();
}

function stepLink(step: string, onSelect: (step: string) => void): HTMLElement {
  return h('button', { class: 'link', type: 'button', onclick: () => onSelect(step) }, step);
}
