import type { AnyWorkflow, Definition, TaskDefinition, TaskHandler } from '#actors/definition.ts';

import { DefinitionError } from './definition-error.ts';

/**
 * The handlers of a program that is a node, by task type. The node is given one stand-in for each type, which calls the
 * handler of the moment: so it does not matter whether `registerTaskHandler` or `registerWorkflow` comes first, and a
 * handler that was registered by itself goes before those that workflows bring.
 */
export class LocalCode {
  readonly #handlers = new Map<string, Entry>();

  /** What the node is to be given for a definition. */
  admit(definition: Definition): Definition {
    switch (definition.kind) {
      case 'actor':
        return definition;
      case 'task':
        return this.#admitTask(definition, `task "${definition.type}"`);
      case 'workflow':
        return this.#admitWorkflow(definition);
    }
  }

  /** What the node is to be given for a handler that was registered by itself. */
  register(task: TaskDefinition): TaskDefinition {
    const entry = this.#entry(task);
    entry.run = task.run;
    entry.isExplicit = true;
    return entry.standIn;
  }

  #admitWorkflow(definition: AnyWorkflow): AnyWorkflow {
    const where = `workflow "${definition.graph.name}"`;
    return {
      ...definition,
      tasks: definition.tasks.map((task) => this.#admitTask(task, where)),
    };
  }

  #admitTask(task: TaskDefinition, where: string): TaskDefinition {
    const entry = this.#entry(task);
    if (entry.run !== task.run && !entry.isExplicit) {
      throw new DefinitionError({
        code: 'DUPLICATE_TASK',
        where,
        message: `task type "${task.type}" has another handler in this program already, and only one can run. Define it once with task("${task.type}", { run }) and use that in all workflows, or say which with registerTaskHandler("${task.type}", handler).`,
      });
    }
    return entry.standIn;
  }

  #entry(task: TaskDefinition): Entry {
    const known = this.#handlers.get(task.type);
    if (known !== undefined) return known;
    const entry: Entry = {
      run: task.run,
      isExplicit: false,
      standIn: { ...task, run: (input, context) => entry.run(input, context) },
    };
    this.#handlers.set(task.type, entry);
    return entry;
  }
}

interface Entry {
  run: TaskHandler;
  /** Registered by itself. */
  isExplicit: boolean;
  readonly standIn: TaskDefinition;
}
