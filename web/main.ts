import { Connection } from './connection.ts';
import { fill, h } from './dom.ts';
import type { MountPage } from './page.ts';
import { clusterPage } from './pages/cluster.ts';
import { workflowPage } from './pages/workflow.ts';
import { workflowsPage } from './pages/workflows.ts';
import { liveBadge } from './parts/live-badge.ts';
import { themeButton } from './parts/theme.ts';
import { startClock } from './time.ts';

/** Paths and their pages; src/http/web-files.ts knows the same paths. */
const routes: readonly { readonly path: RegExp; readonly page: MountPage; readonly nav: string }[] =
  [
    { path: /^\/(?:workflows)?\/?$/, page: workflowsPage, nav: '/workflows' },
    { path: /^\/workflows\/([^/]+)\/?$/, page: workflowPage, nav: '/workflows' },
    { path: /^\/cluster\/?$/, page: clusterPage, nav: '/cluster' },
  ];

const missingPage: MountPage = ({ root, setTitle }) => {
  setTitle('Not found');
  fill(
    root,
    h(
      'div',
      { class: 'empty' },
      h('h1', {}, 'No such page'),
      h('a', { href: '/workflows' }, 'All workflows'),
    ),
  );
  return () => undefined;
};

const connection = new Connection();
const root = h('main', { id: 'page', tabindex: -1 });
const links = [
  { href: '/workflows', text: 'Workflows' },
  { href: '/cluster', text: 'Cluster' },
].map(({ href, text }) => h('a', { href, class: 'nav-link' }, text));
let unmount: () => void = () => undefined;

function show(): void {
  unmount();
  const { pathname, search } = window.location;
  const route = routes.find(({ path }) => path.test(pathname));
  for (const link of links) {
    if (link.getAttribute('href') === route?.nav) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  unmount = (route?.page ?? missingPage)({
    root,
    id: decoded(route?.path.exec(pathname)?.[1] ?? ''),
    query: new URLSearchParams(search),
    connection,
    navigate,
    setTitle: (title) => {
      document.title = `${title} · TemJob`;
    },
  });
}

function navigate(path: string): void {
  window.history.pushState(null, '', path);
  show();
  window.scrollTo(0, 0);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// A link to a page of the console is followed without loading; one that asks for a new tab is the browser's.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const plain =
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (link === null || !plain || link.origin !== window.location.origin) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});
window.addEventListener('popstate', show);

document.body.prepend(
  h(
    'header',
    { class: 'bar' },
    h(
      'a',
      { class: 'brand', href: '/' },
      h('img', { src: '/icon.svg', alt: '', width: 26, height: 26 }),
      'TemJob',
    ),
    h('nav', { 'aria-label': 'Pages' }, links),
    liveBadge(connection),
    themeButton(),
  ),
  root,
);
startClock(() => connection.now());
show();
