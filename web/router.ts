import { consolePaths, type PageName } from '#http/console-paths.ts';

import type { Connection } from './connection.ts';
import { fill, h } from './dom.ts';
import { t } from './i18n/text.ts';
import type { MountPage, Navigate } from './page.ts';
import { messageOf } from './parts/notice.ts';
import type { Who } from './who.ts';

/** A page's code is loaded when it is first shown. */
const pages: Readonly<Record<PageName, () => Promise<MountPage>>> = {
  overview: async () => (await import('./pages/overview.ts')).overviewPage,
  workflows: async () => (await import('./pages/workflows.ts')).workflowsPage,
  workflow: async () => (await import('./pages/workflow.ts')).workflowPage,
  definitions: async () => (await import('./pages/definitions.ts')).definitionsPage,
  definition: async () => (await import('./pages/definition.ts')).definitionPage,
  cluster: async () => (await import('./pages/cluster.ts')).clusterPage,
  playground: async () => (await import('./pages/playground.ts')).playgroundPage,
};

export interface RouterParts {
  readonly root: HTMLElement;
  readonly connection: Connection;
  readonly who: Who;
  /** Another page is on the screen; null is one that does not exist. */
  readonly shown: (page: PageName | null) => void;
  /** Said by screen readers. */
  readonly announce: (title: string) => void;
}

/** Shows the page of the address, and follows it: links, `navigate`, and the browser's back and forward. */
export class Router {
  readonly #parts: RouterParts;
  #unmount: () => void = () => undefined;
  #path = '';
  /** Path and query of what is shown, or on its way. */
  #address = '';
  /** Counts what was asked for, so that a page that loads slowly does not come after a later one. */
  #asked = 0;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    window.addEventListener('popstate', () => {
      // A jump within the page comes here, too, such as that of the link to the content: nothing is drawn anew for it.
      if (address() !== this.#address) this.show();
    });
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes to a page: the focus goes to its heading, unless only the query is another. */
  readonly navigate: Navigate = (path, how) => {
    this.#setAddress(path, how);
    this.show();
  };

  readonly #setAddress: Navigate = (path, how = 'push') => {
    if (how === 'push') window.history.pushState(null, '', path);
    else window.history.replaceState(null, '', path);
    this.#address = address();
  };

  /** Shows the page of the present address, anew if it is there already. */
  show(): void {
    this.#asked += 1;
    const asked = this.#asked;
    this.#address = address();
    const { pathname } = window.location;
    const found = match(pathname);
    const load = found === null ? async () => missingPage : pages[found.name];
    const focused = document.activeElement;
    const mount = (page: MountPage): void => {
      // Whoever has gone on while the page came, into the search or a dialog, is not taken away from there.
      const stays = document.activeElement === focused || document.activeElement === document.body;
      if (asked === this.#asked) this.#mount(page, found, { takesFocus: stays });
    };
    load().then(mount, (error: unknown) => {
      mount(brokenPage(error));
      this.#showWhenBack();
    });
  }

  /** The server may have gone while a page's code was on its way; when it is back, the code is asked for again. */
  #showWhenBack(): void {
    const asked = this.#asked;
    let away = false;
    const stop = this.#parts.connection.onStatus(({ type }) => {
      if (type === 'stale') away = true;
      else if (away) {
        stop();
        if (asked === this.#asked) this.show();
      }
    });
  }

  #mount(
    mount: MountPage,
    found: Found | null,
    { takesFocus }: { readonly takesFocus: boolean },
  ): void {
    const { root, connection, who } = this.#parts;
    const { pathname, search } = window.location;
    const first = this.#path === '';
    const samePage = this.#path === pathname;
    const focused = samePage ? (document.activeElement?.id ?? '') : '';
    const asked = this.#asked;
    // An answer that comes when somebody has gone on leads nowhere.
    const ifWanted =
      (go: Navigate): Navigate =>
      (path, how) => {
        if (asked === this.#asked) go(path, how);
      };
    this.#path = pathname;
    this.#unmount();
    this.#unmount = mount({
      root,
      id: found?.id ?? '',
      query: new URLSearchParams(search),
      connection,
      who,
      navigate: ifWanted(this.navigate),
      setAddress: ifWanted(this.#setAddress),
      setTitle: (title) => {
        document.title = `${title} · TemJob`;
      },
    });
    this.#parts.shown(found?.name ?? null);
    if (samePage) {
      if (focused !== '') document.getElementById(focused)?.focus({ preventScroll: true });
      return;
    }
    window.scrollTo(0, 0);
    if (first) return;
    if (takesFocus) focusHeading(root);
    this.#parts.announce(document.title);
  }

  // A link to a page of the console is followed without loading; one that asks for a new tab is the browser's.
  #follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const plain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link === null || !plain || link.origin !== window.location.origin) return;
    if (link.hash !== '' || match(link.pathname) === null) return;
    event.preventDefault();
    this.navigate(link.pathname + link.search);
  }
}

function address(): string {
  return window.location.pathname + window.location.search;
}

interface Found {
  readonly name: PageName;
  readonly id: string;
}

function match(pathname: string): Found | null {
  for (const name of Object.keys(consolePaths)) {
    if (!isPageName(name)) continue;
    const found = consolePaths[name].exec(pathname);
    if (found !== null) return { name, id: decoded(found[1] ?? '') };
  }
  return null;
}

function isPageName(name: string): name is PageName {
  return name in consolePaths;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function focusHeading(root: HTMLElement): void {
  const heading = root.querySelector('h1');
  if (heading === null) {
    // It comes with the data; until then the focus is where it will be.
    root.focus({ preventScroll: true });
    return;
  }
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

const missingPage: MountPage = ({ root, setTitle }) => {
  setTitle(t('missing.title'));
  fill(
    root,
    h(
      'div',
      { class: 'empty' },
      h('h1', {}, t('missing.heading')),
      h('a', { href: '/' }, t('missing.link')),
    ),
  );
  return () => undefined;
};

function brokenPage(error: unknown): MountPage {
  return ({ root, setTitle }) => {
    setTitle(t('broken.heading'));
    fill(
      root,
      h(
        'div',
        { class: 'empty' },
        h('h1', {}, t('broken.heading')),
        h('p', { class: 'quiet' }, `${t('broken.hint')} ${messageOf(error)}`),
        h(
          'button',
          { type: 'button', onclick: () => window.location.reload() },
          t('broken.reload'),
        ),
      ),
    );
    return () => undefined;
  };
}
