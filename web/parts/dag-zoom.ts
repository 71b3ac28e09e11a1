import { h, setText } from '../dom.ts';
import { formatPercent } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';

/** A graph that is a little too wide is drawn smaller; one that is much too wide is scrolled. */
const smallest = { wide: 0.72, narrow: 0.88 };
const zooms = [0.25, 0.35, 0.5, 0.72, 1];

/** Fits the graph into its frame as far as it stays readable, or as one has chosen. */
export function zoomButtons(
  scroll: HTMLElement,
  canvas: HTMLElement,
  narrow: boolean,
): {
  readonly element: HTMLElement;
  sized(width: number): void;
  close(): void;
} {
  let width = 1;
  let chosen: number | null = null;
  let shown = 1;
  /** The zoom at which all of it is seen; the frame has some padding. */
  const whole = (): number => {
    const { paddingLeft, paddingRight } = getComputedStyle(scroll);
    const room = scroll.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    return room / width;
  };
  const apply = (): void => {
    const fitting = whole();
    const least = smallest[narrow ? 'narrow' : 'wide'];
    shown = chosen ?? Math.min(1, Math.max(least, fitting));
    canvas.style.setProperty('zoom', String(shown));
    setText(reading, formatPercent(shown));
    smaller.disabled = shown <= (zooms[0] ?? 0);
    larger.disabled = shown >= 1;
    // Where all is seen and can be read there is nothing to choose.
    element.hidden = chosen === null && fitting >= least;
  };
  const step = (to: number | undefined): void => {
    chosen = to ?? chosen;
    apply();
  };
  const smaller = h(
    'button',
    {
      class: 'small',
      type: 'button',
      'aria-label': t('graph.smaller'),
      onclick: () => step(zooms.findLast((zoom) => zoom < shown - 0.001)),
    },
    '−',
  );
  const larger = h(
    'button',
    {
      class: 'small',
      type: 'button',
      'aria-label': t('graph.larger'),
      onclick: () => step(zooms.find((zoom) => zoom > shown + 0.001)),
    },
    '+',
  );
  const reading = h('span', { class: 'number quiet' });
  const element = h(
    'div',
    { class: 'dag-zoom', role: 'group', 'aria-label': t('graph.zoom'), hidden: true },
    smaller,
    reading,
    larger,
    h(
      'button',
      {
        class: 'small',
        type: 'button',
        onclick: () => step(Math.min(1, Math.max(0.1, whole()))),
      },
      t('graph.fit'),
    ),
  );
  const observer = new ResizeObserver(apply);
  observer.observe(scroll);
  return {
    element,
    sized: (drawnWidth) => {
      width = drawnWidth;
      apply();
    },
    close: () => observer.disconnect(),
  };
}
