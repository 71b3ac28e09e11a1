import type { StepCard, TaskCard } from '#http/live-protocol.ts';

import { h } from '../dom.ts';
import { formatNumber } from '../i18n/format.ts';
import { t } from '../i18n/text.ts';
import { commonName, type DrawnGroup } from './fold.ts';
import { minibar, showMinibar } from './minibar.ts';
import { type Panel, panelFrame } from './panel.ts';
import { setStateBadge, stateBadge } from './state.ts';
import { countsOf, stateOfAll } from './task-states.ts';
import { tasksTable } from './tasks-table.ts';

export interface FoldPanel extends Panel {
  show(tasks: readonly TaskCard[]): void;
}

/** What is in a fold of the graph: how far it is, and each of its steps. */
export function foldPanel(
  group: DrawnGroup<StepCard>,
  options: { readonly onClose: () => void; readonly onSelect: (step: string) => void },
): FoldPanel {
  const badge = stateBadge('pending');
  const bar = minibar();
  const table = tasksTable({ onSelect: options.onSelect, brief: true });
  const name = foldName(group);
  const element = panelFrame({
    label: name,
    heading: [h('h2', {}, name), badge],
    onClose: options.onClose,
    body: [h('p', { class: 'quiet' }, t('graph.fold.what')), bar, table.element],
  });
  let shown: readonly TaskCard[] = [];
  return {
    element,
    show: (tasks) => {
      if (tasks.length === shown.length && tasks.every((task, n) => task === shown[n])) return;
      shown = tasks;
      setStateBadge(badge, stateOfAll(tasks));
      showMinibar(bar, countsOf(tasks));
      table.show(tasks);
    },
    close: () => {
      table.close();
      element.remove();
    },
  };
}

/** `×1,000 part*`. */
export function foldName({ steps }: DrawnGroup<StepCard>): string {
  return `×${formatNumber(steps.length)} ${commonName(steps.map(({ name }) => name))}`;
}
