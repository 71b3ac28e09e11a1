import type { WorkflowData } from '#http/live-protocol.ts';

import { h, keyed } from '../dom.ts';
import { own } from './notice.ts';
import { signalDialog } from './signal-dialog.ts';

/** More than this would push the rest of the head away; the others are in the panels of their steps. */
const most = 3;

/** A button for each signal that a workflow waits for. */
export function signalButtons(): {
  readonly element: HTMLElement;
  show(data: WorkflowData): void;
} {
  const element = h('div', { class: 'signals' });
  const made = new Map<string, HTMLElement>();
  return {
    element,
    show: ({ workflow, tasks }) => {
      const waiting = tasks.flatMap(({ state, step }) => (state === 'waiting' ? [step] : []));
      keyed(element, waiting.slice(0, most), {
        key: (signal) => signal,
        create: (signal) =>
          h(
            'button',
            {
              class: 'primary',
              type: 'button',
              onclick: () => own(signalDialog(workflow, signal)),
            },
            wordsOf(signal),
          ),
        update: () => undefined,
        made,
      });
    },
  };
}

/** `manager_approval` -> `Manager approval`. */
export function wordsOf(signal: string): string {
  const words = signal.replaceAll(/[_.-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
