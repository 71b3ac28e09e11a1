import type { PageName } from '#http/console-paths.ts';

import { api } from './api.ts';
import type { Connection } from './connection.ts';
import { fill, h } from './dom.ts';
import { changeLanguage } from './i18n/choice.ts';
import { type Language, language, languages } from './i18n/language.ts';
import { t } from './i18n/text.ts';
import type { Navigate } from './page.ts';
import { icon, type IconName } from './parts/icon.ts';
import { liveBadge } from './parts/live-badge.ts';
import { messageOf, notice } from './parts/notice.ts';
import { themeButton } from './parts/theme.ts';
import { signOut } from './session.ts';
import { isId, listenForShortcuts, type Place, shortcutsDialog } from './shortcuts.ts';
import type { Who } from './who.ts';

interface NavItem {
  readonly page: IconName & PageName;
  readonly path: string;
  readonly letter: string;
  /** Further pages of which it is the place in the navigation. */
  readonly also?: PageName;
}

const items: readonly NavItem[] = [
  { page: 'overview', path: '/', letter: 'o' },
  { page: 'workflows', path: '/workflows', letter: 'w', also: 'workflow' },
  { page: 'definitions', path: '/definitions', letter: 'd', also: 'definition' },
  { page: 'cluster', path: '/cluster', letter: 'c' },
  { page: 'playground', path: '/playground', letter: 'p' },
];

const signs: Readonly<Record<Language, string>> = { en: 'EN', zh: '中' };

export interface ShellParts {
  readonly connection: Connection;
  readonly who: Who;
  readonly navigate: Navigate;
  /** The texts are in another language now, so the page has to be drawn anew. */
  readonly redrawPage: () => void;
}

/** The frame around the pages: where one is, where one can go, whether it is live, and how it looks. */
export class Shell {
  /** Where the page is drawn. */
  readonly root = h('main', { id: 'page', tabindex: -1 });
  readonly #parts: ShellParts;
  readonly #frame = h('div', { class: 'frame' });
  readonly #announcer = h('div', { class: 'unseen', 'aria-live': 'polite' });
  #drawn = new AbortController();
  #page: PageName | null = null;
  #links: readonly { readonly item: NavItem; readonly link: HTMLElement }[] = [];
  #jump = h('input');
  /** Counts what was looked for: an answer that comes after a later question leads nowhere. */
  #sought = 0;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    document.body.prepend(this.#frame, this.root, this.#announcer);
    listenForShortcuts(
      {
        places: () => this.#places(),
        go: (path) => parts.navigate(path),
        jump: (id) => this.#own(this.#goTo(id)),
        search: () => this.#search(),
        help: () => this.#help(),
      },
      new AbortController().signal,
    );
    this.#draw();
  }

  /** Marks where one is. */
  show(page: PageName | null): void {
    this.#page = page;
    for (const { item, link } of this.#links) {
      if (item.page === page || item.also === page) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  announce(title: string): void {
    this.#announcer.textContent = title;
  }

  #draw(): void {
    this.#drawn.abort();
    this.#drawn = new AbortController();
    // To break things is for a developer's own machine.
    const offered = items.filter(({ page }) => page !== 'playground' || this.#parts.who.dev);
    this.#links = offered.map((item) => ({
      item,
      link: h(
        'a',
        { href: item.path, class: 'nav-link' },
        icon(item.page),
        h('span', {}, t(`nav.${item.page}`)),
      ),
    }));
    fill(
      this.#frame,
      h('a', { class: 'skip', href: '#page' }, t('shell.skip')),
      h(
        'header',
        { class: 'bar' },
        h(
          'a',
          { class: 'brand', href: '/', 'aria-label': t('shell.home') },
          h('img', { src: '/icon.svg', alt: '', width: 26, height: 26 }),
          h('span', {}, 'TemJob'),
        ),
        this.#jumpForm(),
        liveBadge(this.#parts.connection, this.#drawn.signal),
        h(
          'div',
          { class: 'tools' },
          this.#signedIn(),
          this.#languageButton(),
          themeButton(),
          this.#helpButton(),
        ),
      ),
      h(
        'nav',
        { class: 'pages', 'aria-label': t('shell.pages') },
        this.#links.map(({ link }) => link),
      ),
    );
    this.show(this.#page);
  }

  #jumpForm(): HTMLElement {
    this.#jump = h('input', {
      type: 'search',
      name: 'id',
      placeholder: t('shell.jump.hint'),
      'aria-label': t('shell.jump'),
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: 140,
    });
    return h(
      'form',
      {
        class: 'jump',
        role: 'search',
        onsubmit: (event) => {
          event.preventDefault();
          const id = this.#jump.value.trim();
          if (id !== '') this.#own(this.#goTo(id));
        },
      },
      icon('search'),
      this.#jump,
      h('kbd', { 'aria-hidden': 'true' }, '/'),
    );
  }

  /** Who it is and how to leave, when somebody has signed in. */
  #signedIn(): readonly HTMLElement[] {
    const { name, authentication } = this.#parts.who;
    if (authentication !== 'session') return [];
    const label = t('shell.signOut', { name });
    return [
      h('span', { class: 'who' }, name),
      h(
        'button',
        {
          class: 'ghost',
          type: 'button',
          title: label,
          'aria-label': label,
          onclick: () => {
            this.#own(signOut());
          },
        },
        icon('leave'),
      ),
    ];
  }

  #languageButton(): HTMLElement {
    const next = language() === 'en' ? 'zh' : 'en';
    const label = t('shell.language', {
      sign: signs[language()],
      name: languages[language()].name,
      next: languages[next].name,
    });
    return h(
      'button',
      {
        class: 'ghost language',
        type: 'button',
        id: 'language',
        title: label,
        'aria-label': label,
        onclick: () => {
          this.#own(this.#speak(next));
        },
      },
      icon('language'),
      h('span', {}, signs[language()]),
    );
  }

  async #speak(chosen: Language): Promise<void> {
    await changeLanguage(chosen);
    this.#draw();
    document.getElementById('language')?.focus();
    this.#parts.redrawPage();
  }

  #own(work: Promise<void>): void {
    work.catch((error: unknown) => notice(messageOf(error), 'wrong'));
  }

  #helpButton(): HTMLElement {
    return h(
      'button',
      {
        class: 'ghost help',
        type: 'button',
        title: t('shell.shortcuts'),
        'aria-label': t('shell.shortcuts'),
        onclick: () => this.#help(),
      },
      icon('keyboard'),
    );
  }

  #places(): readonly Place[] {
    return this.#links.map(({ item: { letter, path, page } }) => ({
      letter,
      path,
      name: t(`nav.${page}`),
    }));
  }

  #help(): void {
    const dialog = shortcutsDialog(this.#places());
    dialog.addEventListener('close', () => {
      // What had the focus may have gone with its page meanwhile.
      if (document.activeElement === document.body) this.root.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  /** The search of the page when it has one, else that of the frame. */
  #search(): void {
    const own = this.root.querySelector<HTMLElement>('[data-search]:not([hidden])');
    const field = own ?? this.#jump;
    field.focus();
    if (field instanceof HTMLInputElement) field.select();
  }

  /** To the workflow of that id, or of that task; when there is none, to those whose ids begin so. */
  async #goTo(text: string): Promise<void> {
    const { pathname } = window.location;
    this.#sought += 1;
    const sought = this.#sought;
    const id = isId(text) ? await findWorkflow(text) : null;
    if (sought !== this.#sought || pathname !== window.location.pathname) return;
    const prefix = new URLSearchParams({ q: text });
    if (this.#jump.value.trim() === text) this.#jump.value = '';
    this.#parts.navigate(
      id === null ? `/workflows?${prefix.toString()}` : `/workflows/${encodeURIComponent(id)}`,
    );
  }
}

// Asked for as lists, because that nothing is found is an answer and no error.
async function findWorkflow(text: string): Promise<string | null> {
  const ofTask = /^(.+)\.\d{1,6}$/.exec(text)?.[1];
  for (const id of ofTask === undefined ? [text] : [text, ofTask]) {
    const query = new URLSearchParams({ id_prefix: id, limit: '200' });
    const { workflows } = await api.workflows(query.toString());
    if (workflows.some((row) => row.id === id)) return id;
  }
  return null;
}
