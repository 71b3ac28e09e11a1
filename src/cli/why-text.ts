import type { Why } from '#actors/why.ts';

import { spanText } from './output.ts';

/** Why a workflow is where it is, in English; the console has words of its own. */
export function whyText({ code, step = '', params, until }: Why, now: number): string {
  const of = (name: string): string => String(params[name] ?? '?');
  const since = spanText(now - Date.parse(of('since')));
  const attempt = Number(params['attempt'] ?? 1) > 1 ? `, attempt ${of('attempt')}` : '';
  switch (code) {
    case 'WAITING_FOR_OWNER':
      return 'no node decides for it just now; another one takes over within seconds';
    case 'RUNNING':
      return `step ${step} has been running for ${since} on node ${of('node')}${attempt}`;
    case 'RUNNING_SILENT':
      return `step ${step} runs on node ${of('node')}${attempt}, but has sent no heartbeat for ${since}${
        until === undefined ? '' : `; it is given up ${inTime(until, now)}`
      }`;
    case 'WAITING_FOR_RETRY':
      return `step ${step} has failed (attempt ${of('attempt')} of ${of('max')}: ${of('error')}); it is tried again ${
        until === undefined ? 'soon' : inTime(until, now)
      }`;
    case 'WAITING_FOR_SIGNAL':
      return `step ${step} has been waiting for ${since} for the signal ${of('signal')}: temjob signal ID ${of('signal')} sends it${
        until === undefined ? '' : `; it is given up ${inTime(until, now)}`
      }`;
    case 'NO_NODE_OFFERS_TYPE':
      return `step ${step} needs ${of('type')}, for which no living node has the code: start a node with its module`;
    case 'WAITING_FOR_CAPACITY':
      return `step ${step} has been waiting for ${since} for a free place on a node with ${of('type')}: wait, start more nodes, or raise worker.concurrency`;
    case 'STARTING':
      return step === '' ? 'it begins in a moment' : `step ${step} begins in a moment`;
  }
}

function inTime(until: string, now: number): string {
  const ms = Date.parse(until) - now;
  return ms <= 0 ? 'now' : `in ${spanText(ms)}`;
}
