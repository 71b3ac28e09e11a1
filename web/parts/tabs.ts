import { h } from '../dom.ts';

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly title: string;
  /** How many there are of what it shows, beside the title. */
  readonly count?: HTMLElement;
  /** Made when it is first shown. */
  readonly content: () => HTMLElement;
}

export interface Tabs<Name extends string> {
  readonly element: HTMLElement;
  readonly current: Name;
  show(name: Name): void;
}

/** Tabs as the ARIA practices have them: one stop of the tab key, arrows go on, what is chosen is shown at once. */
export function tabs<Name extends string>(
  tablist: readonly Tab<Name>[],
  options: {
    readonly label: string;
    readonly first: Name;
    readonly chosen: (name: Name) => void;
  },
): Tabs<Name> {
  let current = options.first;
  const made = tablist.map((tab) => {
    const panel = h('div', {
      id: `panel-${tab.name}`,
      class: 'tab-panel',
      role: 'tabpanel',
      'aria-labelledby': `tab-${tab.name}`,
      hidden: true,
    });
    const button = h(
      'button',
      {
        id: `tab-${tab.name}`,
        class: 'tab',
        type: 'button',
        role: 'tab',
        'aria-controls': panel.id,
        onclick: () => choose(tab.name),
      },
      h('span', { class: 'tab-title', 'data-title': tab.title }, tab.title),
      tab.count,
    );
    return { tab, panel, button };
  });
  const show = (name: Name): void => {
    current = name;
    for (const { tab, panel, button } of made) {
      const chosen = tab.name === name;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      panel.hidden = !chosen;
      if (chosen && panel.childElementCount === 0) panel.append(tab.content());
      if (chosen) button.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  };
  const choose = (name: Name): void => {
    show(name);
    options.chosen(name);
  };
  const list = h(
    'div',
    { class: 'tabs', role: 'tablist', 'aria-label': options.label },
    made.map(({ button }) => button),
  );
  list.addEventListener('keydown', (event) => {
    const at = made.findIndex(({ tab }) => tab.name === current);
    const to = targetOf(event.key, at, made.length);
    const next = to === null ? undefined : made[to];
    if (next === undefined) return;
    event.preventDefault();
    choose(next.tab.name);
    next.button.focus();
  });
  return {
    element: h(
      'div',
      { class: 'tabbed' },
      list,
      made.map(({ panel }) => panel),
    ),
    get current() {
      return current;
    },
    show,
  };
}

function targetOf(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowLeft':
      return (at + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
