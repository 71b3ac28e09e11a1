import { h } from './dom.ts';
import { t } from './i18n/text.ts';

/*
 * Shortcuts of single keys are off while one writes, and can be turned off altogether (WCAG 2.1.4): who speaks to the
 * computer presses keys without knowing.
 */
export interface Place {
  readonly letter: string;
  readonly path: string;
  readonly name: string;
}

const storageKey = 'temjob-shortcuts';
const secondKeyWithinMs = 1_500;

/** Listens for shortcuts until the signal: `?`, `/`, `g` and a letter, and an id that is pasted anywhere. */
export function listenForShortcuts(
  how: {
    readonly places: () => readonly Place[];
    readonly go: (path: string) => void;
    readonly jump: (id: string) => void;
    readonly search: () => void;
    readonly help: () => void;
  },
  signal: AbortSignal,
): void {
  let goneAt = -Infinity;
  const onKey = (event: KeyboardEvent): void => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (modified || event.defaultPrevented || writes(event.target) || !enabled()) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const second = event.timeStamp - goneAt < secondKeyWithinMs;
    goneAt = -Infinity;
    const place = second ? how.places().find(({ letter }) => letter === event.key) : undefined;
    if (place !== undefined) how.go(place.path);
    else if (event.key === 'g') goneAt = event.timeStamp;
    else if (event.key === '/') how.search();
    else if (event.key === '?') how.help();
    else return;
    event.preventDefault();
  };
  const onPaste = (event: ClipboardEvent): void => {
    if (writes(event.target) || document.querySelector('dialog[open]') !== null) return;
    const text = event.clipboardData?.getData('text').trim() ?? '';
    if (isId(text)) how.jump(text);
  };
  document.addEventListener('keydown', onKey, { signal });
  document.addEventListener('paste', onPaste, { signal });
}

/** Whether a text can be the id of a workflow or of a task. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,140}$/.test(text);
}

export function shortcutsDialog(places: readonly Place[]): HTMLDialogElement {
  const single = h('input', { type: 'checkbox', checked: enabled(), id: 'single-keys' });
  single.addEventListener('change', () => {
    localStorage.setItem(storageKey, single.checked ? 'on' : 'off');
  });
  const element = h(
    'dialog',
    { class: 'shortcuts', 'aria-labelledby': 'shortcuts-heading' },
    h('h2', { id: 'shortcuts-heading' }, t('keys.heading')),
    h(
      'dl',
      { class: 'keys' },
      places.map(({ letter, name }) =>
        row(name, h('kbd', {}, 'g'), t('keys.then'), h('kbd', {}, letter)),
      ),
      row(t('keys.search'), h('kbd', {}, '/')),
      row(t('keys.paste'), h('kbd', {}, 'Ctrl'), '+', h('kbd', {}, 'V')),
      row(t('keys.escape'), h('kbd', {}, 'Esc')),
      row(t('keys.help'), h('kbd', {}, '?')),
    ),
    h(
      'label',
      { class: 'check' },
      single,
      h('span', {}, t('keys.single'), h('small', { class: 'quiet' }, t('keys.single.hint'))),
    ),
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', onclick: () => element.close() }, t('common.close')),
    ),
  );
  element.addEventListener('close', () => element.remove());
  return element;
}

function row(what: string, ...keys: readonly (Node | string)[]): HTMLElement {
  return h('div', {}, h('dt', {}, what), h('dd', {}, keys));
}

function enabled(): boolean {
  return localStorage.getItem(storageKey) !== 'off';
}

function writes(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select') !== null)
  );
}
