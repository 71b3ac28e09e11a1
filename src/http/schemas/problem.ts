import { z } from 'zod';

import { scopes } from '../auth/principal.ts';
import { problemCodes } from '../problems.ts';
import { failure } from './failure.ts';
import { check } from './health.ts';
import { list } from './parts.ts';
import { workflowState } from './workflows.ts';

/** RFC 9457; `error`, `code` and `message` are what clients of the seed read. */
export const problem = z
  .object({
    type: z.string().meta({ description: 'The code, as a URL.' }),
    title: z.string(),
    status: z.number().meta({ override: { type: 'integer' } }),
    detail: z.string().meta({ description: 'For people: what, and where it can what to do.' }),
    instance: z.string().meta({ description: 'The path that was asked for.' }),
    code: z.string().meta({
      description: 'Stable, for programs.',
      override: { enum: [...problemCodes] },
    }),
    error: z.string().meta({ description: 'The same as `detail`.' }),
    message: z.string().meta({ description: 'The same as `detail`.' }),
    request_id: z.string().exactOptional().meta({ description: 'The log has it, too.' }),
    errors: list(
      z.object({
        pointer: z.string().meta({
          description:
            'A JSON pointer into the body; `?name` of a query parameter, `{name}` of a part of the path, `name:` of a header.',
          examples: ['/input/order'],
        }),
        detail: z.string(),
      }),
    )
      .exactOptional()
      .meta({ description: 'The fields that are wrong.' }),
    failure: failure.nullable().exactOptional().meta({
      description: 'Why the workflow or the actor failed.',
    }),
    checks: list(check)
      .exactOptional()
      .meta({ description: 'What this node needs to serve, thing by thing.' }),
    required_scope: z.enum(scopes).exactOptional().meta({ description: 'What the key lacks.' }),
    state: workflowState.exactOptional().meta({ description: 'How the workflow ended.' }),
  })
  .meta({
    id: 'Problem',
    description: 'Why a request was not carried out (RFC 9457).',
    examples: [
      {
        type: 'https://temjob.dev/problems/workflow-not-found',
        title: 'Not found',
        status: 404,
        detail: 'workflow not found: order-8',
        instance: '/api/v1/workflows/order-8',
        code: 'WORKFLOW_NOT_FOUND',
        error: 'workflow not found: order-8',
        message: 'workflow not found: order-8',
        request_id: '0b6f3c2e-52bb-4d0f-9b6e-3f5c7d1f2a10',
      },
    ],
  });
