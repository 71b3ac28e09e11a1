import { parseTaskId } from '#actors/ids.ts';
import type { Json } from '#actors/json.ts';
import type { WorkflowStatus } from '#actors/workflow-state.ts';
import type { TaskView, WorkflowView } from '#actors/workflow-view.ts';
import type {
  ActorCall,
  ClusterApi,
  ListFilter,
  SignalRequest,
  Started,
  StartRequest,
  WorkflowPage,
} from '#cluster/api.ts';
import { ClusterError } from '#cluster/api.ts';

import type { Backend, Ending } from './backend.ts';

/** The cluster over a node in this program. */
export class ClusterBackend implements Backend {
  readonly #api: ClusterApi;
  readonly #stop: () => Promise<void>;

  constructor(api: ClusterApi, stop: () => Promise<void>) {
    this.#api = api;
    this.#stop = stop;
  }

  async start(request: StartRequest): Promise<Started> {
    return await this.#api.start(request);
  }

  async cancel(id: string, reason?: string): Promise<void> {
    await this.#api.cancel(id, reason);
  }

  async retry(id: string): Promise<void> {
    await this.#api.retry(id);
  }

  async signal(request: SignalRequest): Promise<void> {
    await this.#api.signal(request);
  }

  async describe(id: string): Promise<WorkflowView> {
    return (await this.#api.workflow(id)).workflow;
  }

  async tasks(id: string): Promise<readonly TaskView[]> {
    return (await this.#api.workflow(id)).tasks;
  }

  async task(id: string): Promise<TaskView> {
    const place = parseTaskId(id);
    const tasks = place === null ? [] : await this.#tasksOf(place.workflowId);
    const task = tasks.find((one) => one.id === id);
    if (task === undefined) throw new ClusterError('NOT_FOUND', `task not found: ${id}`);
    return task;
  }

  async result(id: string, waitMs: number, signal: AbortSignal): Promise<Ending | null> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const waiting = this.#api.result(id, waitMs, signal);
    try {
      const { workflow } = await Promise.race([waiting, aborted.promise]);
      return endingOf(workflow);
    } finally {
      signal.removeEventListener('abort', abort);
      // It may still reject after the race is lost, and nobody else listens.
      waiting.catch(() => undefined);
    }
  }

  async list(filter: ListFilter): Promise<WorkflowPage> {
    return await this.#api.list(filter);
  }

  async stats(): Promise<Readonly<Record<WorkflowStatus, number>>> {
    return await this.#api.stats();
  }

  async ask(call: ActorCall): Promise<Json> {
    return await this.#api.ask(call);
  }

  async tell(call: ActorCall): Promise<void> {
    await this.#api.tell(call);
  }

  async resumeActor(name: string, key: string): Promise<void> {
    await this.#api.resumeActor(name, key);
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  /** None, when there is no such workflow. */
  async #tasksOf(workflowId: string): Promise<readonly TaskView[]> {
    try {
      return await this.tasks(workflowId);
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'NOT_FOUND') return [];
      throw error;
    }
  }
}

function endingOf(view: WorkflowView): Ending | null {
  switch (view.state) {
    case 'completed':
      return { state: 'completed', output: view.output ?? {} };
    case 'failed': {
      const unknown = { kind: 'error', name: 'Error', retryable: false } as const;
      const failure = view.failure ?? {
        ...unknown,
        message: view.error ?? 'the reason is not known',
      };
      return { state: 'failed', failure };
    }
    case 'canceled':
      return { state: 'canceled', reason: view.error ?? 'no reason was given' };
    case 'pending':
    case 'running':
      return null;
  }
}
