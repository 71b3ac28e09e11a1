import type { WorkflowCard, WorkflowData } from '#http/live-protocol.ts';

import { h, keyed } from '../dom.ts';
import { t } from '../i18n/text.ts';
import { own } from './notice.ts';
import { signalDialog } from './signal-dialog.ts';

/** More than this would push the rest of the head away; the others are in the panels of their steps. */
const most = 3;

/** What the buttons of a page have in common. */
export interface SignalContext {
  readonly workflow: WorkflowCard;
  /** Ends with the page. */
  readonly stop: AbortSignal;
  /** Takes the focus of a button that goes, because nobody waits for its signal any more. */
  readonly home: () => HTMLElement | null;
}

/** A button for each signal that a workflow waits for. */
export function signalButtons(context: SignalContext): {
  readonly element: HTMLElement;
  show(data: WorkflowData): void;
} {
  const element = h('div', { class: 'signals' });
  const made = new Map<string, HTMLElement>();
  return {
    element,
    show: ({ tasks }) => {
      const waiting = tasks.flatMap(({ state, step }) => (state === 'waiting' ? [step] : []));
      const hadFocus = element.contains(document.activeElement);
      keyed(element, waiting.slice(0, most), {
        key: (signal) => signal,
        create: (signal) => signalButton(context, signal),
        update: () => undefined,
        made,
      });
      element.hidden = waiting.length === 0;
      if (hadFocus && !element.contains(document.activeElement)) context.home()?.focus();
    },
  };
}

/** Opens the dialog in which the signal is sent. */
export function signalButton({ workflow, stop, home }: SignalContext, signal: string): HTMLElement {
  const closed = (sent: boolean): void => {
    // What was sent takes its button away in a moment.
    if (sent || !button.isConnected) home()?.focus();
  };
  const button = h(
    'button',
    {
      class: 'primary',
      type: 'button',
      title: t('signal.title', { signal }),
      onclick: () => own(signalDialog(workflow, signal, { stop, closed }), stop),
    },
    wordsOf(signal),
  );
  return button;
}

/** `manager_approval` -> `Manager approval`. */
function wordsOf(signal: string): string {
  const words = signal.replaceAll(/[_.-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
