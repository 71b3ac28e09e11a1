import type { JsonObject } from '#sdk/index.ts';
import { asyncTaskHandler, WorkflowBuilder } from '#sdk/index.ts';

import { pause } from './pause.ts';

/* The first workflow of the tour: greet somebody, and write only when there is an address to write to. */

async function greetUser(input: JsonObject): Promise<JsonObject> {
  await pause(200);
  const name = typeof input['name'] === 'string' ? input['name'] : 'friend';
  return { greeting: `Hello, ${name}! Welcome to TemJob.`, timestamp: new Date().toISOString() };
}

async function sendWelcomeEmail(): Promise<JsonObject> {
  await pause(300);
  return { email_sent: true, sent_at: new Date().toISOString() };
}

export const welcomeWorkflow = new WorkflowBuilder('welcome_workflow')
  .addTask('greet_user', asyncTaskHandler(greetUser), 3)
  .addTask('send_welcome_email', asyncTaskHandler(sendWelcomeEmail), 3)
  .addStep('greet_user')
  .addStep('send_welcome_email')
  .dependsOn('greet_user')
  .when((merged) => typeof merged['email'] === 'string')
  .build();
