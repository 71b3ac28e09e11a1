import { actor } from '#sdk/index.ts';

/* An actor of one's own: one cart per key, which takes one message at a time and keeps its state through crashes. */

interface Item {
  readonly name: string;
  readonly price: number;
}

interface CartState {
  readonly items: readonly Item[];
}

const empty: CartState = { items: [] };

export const shoppingCart = actor('shopping_cart', {
  state: empty,
  on: {
    add: ({ items }, item: Item) => ({
      state: { items: [...items, item] },
      reply: items.length + 1,
    }),
    total: ({ items }) => ({ reply: items.reduce((sum, { price }) => sum + price, 0) }),
    clear: () => ({ state: empty }),
  },
});
