import type { Defaults } from '#actors/defaults.ts';
import type { Graph } from '#actors/definition.ts';
import { formatDuration } from '#actors/duration.ts';

import { ClusterError } from './api.ts';
import type { NodeOptions } from './node-options.ts';

/** What a start takes over of the configuration of the node that accepts the call. */
export interface StartLimits {
  readonly timeoutMs: number | null;
  readonly defaults?: Defaults;
}

type Configured = Pick<
  NodeOptions,
  'defaultStartToCloseMs' | 'defaultRetryIntervalMs' | 'maxWorkflowTimeoutMs'
>;

/** Rejects a timeout that is longer than the cluster allows, whether the caller gave it or the definition has it. */
export function startLimits(
  { name, timeoutMs: own }: Graph,
  asked: number | undefined,
  configured: Configured,
): StartLimits {
  const { maxWorkflowTimeoutMs: longest, ...more } = configured;
  const timeoutMs = asked ?? own ?? longest ?? null;
  if (longest !== undefined && timeoutMs !== null && timeoutMs > longest) {
    const whose = asked === undefined ? `the definition ${name}` : 'the start';
    const detail = `is longer than the ${formatDuration(longest)} that this cluster allows (engine.max_workflow_timeout)`;
    throw new ClusterError(
      'INVALID_INPUT',
      `the timeout of ${whose}, ${formatDuration(timeoutMs)}, ${detail}`,
      { problems: [{ pointer: '/timeout', detail }] },
    );
  }
  const { defaultStartToCloseMs: startToCloseMs, defaultRetryIntervalMs: retryIntervalMs } = more;
  if (startToCloseMs === undefined && retryIntervalMs === undefined) return { timeoutMs };
  return {
    timeoutMs,
    defaults: {
      ...(startToCloseMs === undefined ? {} : { startToCloseMs }),
      ...(retryIntervalMs === undefined ? {} : { retryIntervalMs }),
    },
  };
}
