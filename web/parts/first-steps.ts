import { api } from '../api.ts';
import { fill, h } from '../dom.ts';
import { t } from '../i18n/text.ts';
import type { PageContext } from '../page.ts';
import { samples } from '../samples.ts';
import { may } from '../who.ts';
import { messageOf, notice } from './notice.ts';

/** What somebody sees who has just come: what there is to do. */
export function firstSteps({ who, navigate }: PageContext): { readonly element: HTMLElement } {
  const act = h('p', { class: 'actions-left' });
  const element = h(
    'section',
    { class: 'card first-steps', hidden: true },
    h('h2', {}, t('overview.first')),
    h('p', { class: 'quiet' }, t('overview.first.hint')),
    act,
  );
  const start = async (): Promise<void> => {
    const { id } = await api.start(samples.order);
    navigate(`/workflows/${encodeURIComponent(id)}`);
  };
  const offer = async (): Promise<void> => {
    const { definitions } = await api.definitions();
    const known = definitions.some(({ name }) => name === samples.order.name);
    fill(
      act,
      known &&
        may(who, 'operate') &&
        h(
          'button',
          {
            class: 'primary',
            type: 'button',
            onclick: () => {
              start().catch((error: unknown) => notice(messageOf(error), 'wrong'));
            },
          },
          t('overview.first.sample'),
        ),
      definitions.length === 0
        ? h('span', { class: 'quiet' }, t('definitions.none.hint'))
        : h('a', { class: 'button', href: '/definitions' }, t('overview.first.own')),
    );
  };
  offer().catch((error: unknown) => fill(act, h('span', { class: 'wrong' }, messageOf(error))));
  return { element };
}
