import type { JsonObject } from '#sdk/index.ts';
import { simpleTaskHandler, WorkflowBuilder } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * The smallest chain in the fluent face: send an e-mail, then note that it was sent. The output of the workflow is its input
 * with what both steps returned: email_sent, sent_at, logged, log_id.
 */

async function sendEmail(input: JsonObject): Promise<JsonObject> {
  if (typeof input['recipient'] !== 'string') throw new TypeError('recipient is required');
  await pause(400);
  return { email_sent: true, sent_at: new Date().toISOString() };
}

async function logActivity(): Promise<JsonObject> {
  await pause(200);
  const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return { logged: true, log_id: `log_${stamp}` };
}

export const notificationWorkflow = new WorkflowBuilder('notification_workflow')
  .addTask('send_email', simpleTaskHandler(sendEmail), 3)
  .addTask('log_activity', simpleTaskHandler(logActivity), 3)
  .addStep('send_email')
  .addStep('log_activity')
  .dependsOn('send_email')
  .build();
