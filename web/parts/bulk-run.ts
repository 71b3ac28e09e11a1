/* One action over many things whose ids are fixed before it begins: a few at a time, each with its own end, to be stopped. */
export type ItemState =
  | { readonly type: 'waiting' }
  | { readonly type: 'running' }
  | { readonly type: 'done' }
  /** The server said no; the message is for people. */
  | { readonly type: 'refused'; readonly message: string }
  /** It was not its turn yet when the run was stopped. */
  | { readonly type: 'stopped' };

export interface BulkItem {
  readonly id: string;
  readonly state: ItemState;
}

/** The server does as many at once for one person without anybody else noticing. */
export const atOnce = 8;

export class BulkRun {
  readonly #items: { id: string; state: ItemState }[];
  readonly #act: (id: string) => Promise<void>;
  readonly #messageOf: (error: unknown) => string;
  readonly #changed: () => void;
  #next = 0;
  #stopped = false;

  constructor(
    ids: readonly string[],
    how: {
      readonly act: (id: string) => Promise<void>;
      readonly messageOf: (error: unknown) => string;
      readonly changed: () => void;
    },
  ) {
    this.#items = ids.map((id) => ({ id, state: { type: 'waiting' } }));
    this.#act = how.act;
    this.#messageOf = how.messageOf;
    this.#changed = how.changed;
  }

  get items(): readonly BulkItem[] {
    return this.#items;
  }

  count(type: ItemState['type']): number {
    return this.#items.filter(({ state }) => state.type === type).length;
  }

  /** Resolves when nothing runs any more. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: atOnce }, async () => await this.#work()));
  }

  /** Begins nothing new; what is under way ends by itself. */
  stop(): void {
    this.#stopped = true;
    for (const item of this.#items) {
      if (item.state.type === 'waiting') item.state = { type: 'stopped' };
    }
    this.#changed();
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      const item = this.#items[this.#next];
      if (item === undefined) return;
      this.#next += 1;
      item.state = { type: 'running' };
      this.#changed();
      try {
        await this.#act(item.id);
        item.state = { type: 'done' };
      } catch (error) {
        item.state = { type: 'refused', message: this.#messageOf(error) };
      }
      this.#changed();
    }
  }
}
