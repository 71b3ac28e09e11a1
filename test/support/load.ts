import type { JsonObject } from '#actors/json.ts';
import type { ClusterApi } from '#cluster/api.ts';
import { ClusterError } from '#cluster/api.ts';

/** A refusal after which a client may send the same start again. */
const again: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OVERLOADED', 'DRAINING']);

/** Clients that start workflows one after the other, and write down which of them were acknowledged. */
export class Load {
  readonly acknowledged: string[] = [];
  readonly refusals: ClusterError[] = [];
  readonly #apis: () => readonly ClusterApi[];
  readonly #name: string;
  readonly #input: JsonObject;
  readonly #marks: { readonly count: number; readonly reached: () => void }[] = [];
  readonly #clients: Promise<void>[];
  #made = 0;
  #stopped = false;

  constructor(
    apis: ClusterApi | (() => readonly ClusterApi[]),
    { name, input, clients = 4 }: { name: string; input: JsonObject; clients?: number },
  ) {
    this.#apis = typeof apis === 'function' ? apis : () => [apis];
    this.#name = name;
    this.#input = input;
    this.#clients = Array.from({ length: clients }, async (_, client) => await this.#run(client));
  }

  /** Resolves when so many starts have been acknowledged. */
  async reached(count: number): Promise<void> {
    if (this.acknowledged.length >= count) return;
    await new Promise<void>((reached) => this.#marks.push({ count, reached }));
  }

  /** Starts nothing more; resolves when the starts under way are answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    while (!this.#stopped) {
      const id = `load-${client}-${(this.#made += 1)}`;
      await this.#start(id, client);
      this.acknowledged.push(id);
      for (const { count, reached } of this.#marks) {
        if (this.acknowledged.length >= count) reached();
      }
    }
  }

  /** Until it is acknowledged: the same id again is the same start. */
  async #start(id: string, client: number): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const apis = this.#apis();
      const api = apis[(client + attempt) % apis.length];
      if (api === undefined) throw new Error('there is nobody to ask');
      try {
        await api.start({ name: this.#name, id, input: this.#input, onConflict: 'useExisting' });
        return;
      } catch (error) {
        if (!(error instanceof ClusterError) || !again.has(error.code)) throw error;
        this.refusals.push(error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
