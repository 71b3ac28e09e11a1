import type { AnyWorkflow, Graph } from '#actors/definition.ts';
import { didYouMean } from '#actors/did-you-mean.ts';
import type { Plan } from '#actors/plan.ts';
import { planOf } from '#actors/plan.ts';

import { ClusterError } from './api.ts';
import type { Definitions, Registered } from './mysql/definitions.ts';

/** How long "the newest version" may be an older one than that which another node has just registered. */
const newestForMs = 2_000;

/** The definitions that this node has met, made ready for deciding. A version never changes, so it is read once. */
export class DefinitionCache {
  readonly #stored: Definitions;
  readonly #plans = new Map<string, Plan>();
  /** What `resolve` takes when no version is named. */
  readonly #preferred = new Map<string, { readonly plan: Plan; readonly until: number }>();
  readonly #code = new Map<string, AnyWorkflow>();

  constructor(stored: Definitions) {
    this.#stored = stored;
  }

  /** Registers what this node has code for, so that every node can decide about it. */
  async register(definitions: readonly AnyWorkflow[]): Promise<void> {
    await this.#stored.put(definitions.map(({ graph }) => graph));
    for (const definition of definitions) {
      const { graph } = definition;
      this.#code.set(keyOf(graph.name, graph.version), definition);
      this.#preferred.set(graph.name, { plan: this.#remember(graph), until: Infinity });
    }
  }

  /** The definition with its code, when this node has it: to check inputs by its schema. */
  code(name: string, version: string): AnyWorkflow | null {
    return this.#code.get(keyOf(name, version)) ?? null;
  }

  /** The same in all versions that this node has, the newest last. */
  codes(name: string): readonly AnyWorkflow[] {
    return [...this.#code.values()].filter(({ graph }) => graph.name === name);
  }

  /** What is in memory already. */
  known(name: string, version: string): Plan | null {
    return this.#plans.get(keyOf(name, version)) ?? null;
  }

  /** The plan of this version, or null when nobody has ever registered it. */
  async plan(name: string, version: string): Promise<Plan | null> {
    const known = this.known(name, version);
    if (known !== null) return known;
    const graph = await this.#stored.get(name, version);
    return graph === null ? null : this.#remember(graph);
  }

  /**
   * The version to start: the one named, else that of this node's own code, else the newest. While a new version is being
   * rolled out each node goes on with what it has. Rejects with UNKNOWN_DEFINITION.
   */
  async resolve(name: string, version?: string): Promise<Plan> {
    if (version === undefined) {
      const preferred = this.#preferred.get(name);
      if (preferred !== undefined && preferred.until > Date.now()) return preferred.plan;
      const plan = await this.newest(name);
      this.#preferred.set(name, { plan, until: Date.now() + newestForMs });
      return plan;
    }
    const plan = await this.plan(name, version);
    if (plan === null) throw await this.#unknown(name, version);
    return plan;
  }

  /** What any node has registered last. Rejects with UNKNOWN_DEFINITION. */
  async newest(name: string): Promise<Plan> {
    const graph = await this.#stored.latest(name);
    if (graph === null) throw await this.#unknown(name);
    return this.#remember(graph);
  }

  /** The newest first. Rejects with UNKNOWN_DEFINITION. */
  async versions(name: string): Promise<readonly Registered[]> {
    const versions = await this.#stored.versions(name);
    if (versions.length === 0) throw await this.#unknown(name);
    return versions;
  }

  /** Names of the definitions that have a step with this type of task. */
  async namesWithTask(type: string): Promise<readonly string[]> {
    return await this.#stored.namesWithTask(type);
  }

  async #unknown(name: string, version?: string): Promise<ClusterError> {
    if (version !== undefined) {
      return new ClusterError(
        'UNKNOWN_DEFINITION',
        `workflow definition not found: ${name} (version ${version})`,
      );
    }
    const known = await this.#stored.names();
    return new ClusterError(
      'UNKNOWN_DEFINITION',
      `workflow definition not found: ${name}.${didYouMean(name, known)} It has to be in a module of a node of this cluster.`,
    );
  }

  #remember(graph: Graph): Plan {
    const key = keyOf(graph.name, graph.version);
    const plan = this.#plans.get(key) ?? planOf(graph);
    this.#plans.set(key, plan);
    return plan;
  }
}

function keyOf(name: string, version: string): string {
  return `${name}@${version}`;
}
