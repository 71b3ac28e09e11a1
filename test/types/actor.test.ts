import { expectTypeOf } from 'expect-type';

import { actor } from '#sdk/index.ts';
import type { Actor, ActorRef } from '#sdk/index.ts';

const counter = actor('counter', {
  state: () => ({ count: 0 }),
  on: {
    add: (state, by: number) => {
      expectTypeOf(state).toEqualTypeOf<{ count: number }>();
      return { state: { count: state.count + by }, reply: state.count + by };
    },
    read: (state) => ({ reply: state.count }),
    reset: async (_state, to?: number) => ({ state: { count: to ?? 0 } }),
  },
});

type MessagesIn<Definition> = Definition extends Actor<infer _, infer Messages> ? Messages : never;
const ref: ActorRef<MessagesIn<typeof counter>> = {
  id: 'counter/a',
  ask: () => Promise.reject(new Error('not for running')),
  tell: () => Promise.resolve(),
};

describe('types of actors', () => {
  it('are those of the handlers', () => {
    expectTypeOf(ref.ask('add', 3).catch(() => 0)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ref.ask('read').catch(() => 0)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ref.ask('reset').catch(() => null)).toEqualTypeOf<Promise<null>>();
    expectTypeOf(ref.tell('reset', 5)).toEqualTypeOf<Promise<void>>();
  });

  it('refuse other messages and payloads', async () => {
    // @ts-expect-error no such message
    await ref.tell('subtract', 1);
    // @ts-expect-error the wrong payload
    await ref.tell('add', '1');
    // @ts-expect-error no payload
    await ref.tell('add');
    // @ts-expect-error a payload that nobody takes
    await ref.tell('read', 1);
  });

  it('refuse a state of another type', () => {
    actor('wrong', {
      state: { count: 0 },
      // @ts-expect-error the state has a count, and it is a number
      on: { add: () => ({ state: { count: 'many' } }) },
    });
  });
});
