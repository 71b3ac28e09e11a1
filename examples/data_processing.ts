import type { JsonObject } from '#sdk/index.ts';
import { NonRetryableError, task, WorkflowBuilder } from '#sdk/index.ts';

import { pause } from './pause.ts';

/*
 * Three steps in a row, and a sibling with a fourth that tells somebody. The task types are defined once and both workflows
 * use them: whichever node offers `process_data` serves both.
 */

const validateInput = task('validate_input', {
  retry: { maxRetries: 3 },
  run: async (input: JsonObject) => {
    if (typeof input['input_file'] !== 'string' || input['input_file'] === '') {
      throw new NonRetryableError('input_file is required');
    }
    await pause(300);
    return { validated: true, file_size: 1024 };
  },
});

const processData = task('process_data', {
  retry: { maxRetries: 3 },
  run: async (input: { input_file: string }) => {
    await pause(600);
    return { processed_records: 100, output_file: `processed_${input.input_file}` };
  },
});

const generateReport = task('generate_report', {
  retry: { maxRetries: 3 },
  run: async (input: { output_file: string }) => {
    await pause(300);
    return {
      report_file: `report_${input.output_file}`,
      summary: 'Data processing completed successfully',
    };
  },
});

const sendNotification = task('send_notification', {
  retry: { maxRetries: 2 },
  run: async (input: { report_file: string }) => {
    await pause(200);
    return { notification_sent: true, notified_of: input.report_file };
  },
});

export const dataProcessing = new WorkflowBuilder('data_processing')
  .addTask(validateInput)
  .addTask(processData)
  .addTask(generateReport)
  .addStep('validate_input')
  .addStep('process_data')
  .dependsOn('validate_input')
  .addStep('generate_report')
  .dependsOn('process_data')
  .build();

export const dataProcessingWithNotice = new WorkflowBuilder('data_processing_with_notice')
  .addTask(validateInput)
  .addTask(processData)
  .addTask(generateReport)
  .addTask(sendNotification)
  .addStep('validate_input')
  .addStep('process_data')
  .dependsOn('validate_input')
  .addStep('generate_report')
  .dependsOn('process_data')
  .addStep('send_notification')
  .dependsOn('generate_report')
  .build();
