import { h } from '../dom.ts';
import { t } from '../i18n/text.ts';

/** What is shown beside the page about one thing of it; Escape closes it. */
export interface Panel {
  readonly element: HTMLElement;
  close(): void;
}

export function panelFrame(options: {
  readonly label: string;
  readonly heading: readonly (Node | string)[];
  readonly onClose: () => void;
  /** Where one came from, when there is a way back. */
  readonly back?: { readonly text: string; readonly go: () => void } | undefined;
  readonly body: readonly (Node | null)[];
}): HTMLElement {
  const { back } = options;
  return h(
    'aside',
    {
      class: 'panel card',
      'aria-label': options.label,
      onkeydown: (event) => {
        if (!(event instanceof KeyboardEvent) || event.key !== 'Escape') return;
        event.stopPropagation();
        options.onClose();
      },
    },
    back !== undefined &&
      h('button', { class: 'link back', type: 'button', onclick: back.go }, `← ${back.text}`),
    h(
      'header',
      {},
      options.heading,
      h(
        'button',
        {
          class: 'ghost close',
          type: 'button',
          'aria-label': t('common.close'),
          onclick: options.onClose,
        },
        '✕',
      ),
    ),
    options.body,
  );
}
