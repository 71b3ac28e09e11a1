import { expect } from 'chai';

import type { Duration, JsonObject } from '#sdk/index.ts';
import { actor, DefinitionError, task, workflow, WorkflowBuilder } from '#sdk/index.ts';

const run = (): JsonObject => ({});

/** A workflow that only the fluent face can write: steps may need steps that come later. */
function graph(steps: Readonly<Record<string, readonly string[]>>): WorkflowBuilder {
  const builder = new WorkflowBuilder('w').addTask('t', run);
  for (const [name, needs] of Object.entries(steps)) {
    builder.addStep('t', { as: name }).dependsOn(...needs);
  }
  return builder;
}

function errorOf(define: () => unknown): Pick<DefinitionError, 'code' | 'step' | 'message'> {
  try {
    define();
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a definition that cannot work', () => {
  it('is refused when its steps wait in a circle, with the path', () => {
    const error = errorOf(() =>
      graph({ start: [], a: ['c', 'start'], b: ['a'], c: ['b'], end: ['c'] }).build(),
    );
    expect(error).to.include({ code: 'CYCLE', step: 'a' });
    expect(error.message).to.contain('workflow "w", step "a"').and.to.contain('a → c → b → a');
  });

  it('is refused when a step needs itself', () => {
    expect(errorOf(() => graph({ a: ['a'] }).build()).message).to.contain('a → a');
  });

  it('is refused when an error handler needs a step that waits for it', () => {
    const builder = new WorkflowBuilder('w').addTask('t', run);
    builder.addStep('t', { as: 'charge' }).onError('refund');
    builder.addStep('t', { as: 'ship' }).dependsOn('charge');
    builder.addStep('t', { as: 'refund' }).dependsOn('ship');
    const error = errorOf(() => builder.build());
    expect(error.code).to.equal('CYCLE');
    expect(error.message)
      .to.contain('ship → refund → ship')
      .and.to.contain('"refund" handles the errors of "charge"');
  });

  it('is refused when a need is unknown, with the name that was probably meant', () => {
    const error = errorOf(() => graph({ reserve: [], charge: ['resreve'] }).build());
    expect(error).to.include({ code: 'UNKNOWN_NEED', step: 'charge' });
    expect(error.message).to.contain('needs "resreve"').and.to.contain('Did you mean "reserve"?');
  });

  it('is refused when a need is named twice', () => {
    const error = errorOf(() => graph({ a: [], b: ['a', 'a'] }).build());
    expect(error).to.include({ code: 'DUPLICATE_NEED', step: 'b' });
  });

  it('is refused when a step has no handler', () => {
    const fluent = errorOf(() =>
      new WorkflowBuilder('w').addTask('send', run).addStep('sned').build(),
    );
    expect(fluent).to.include({ code: 'MISSING_HANDLER', step: 'sned' });
    expect(fluent.message).to.contain('Did you mean "send"?');
    const typed = errorOf(() => workflow('w').task('a', {}));
    expect(typed).to.include({ code: 'MISSING_HANDLER', step: 'a' });
  });

  it('is refused when a step has two handlers', () => {
    const error = errorOf(() => workflow('w').task('a', { run: () => ({}), uses: 'b' }));
    expect(error).to.include({ code: 'TWO_HANDLERS', step: 'a' });
  });

  it('is refused when two steps have one name', () => {
    const error = errorOf(() =>
      new WorkflowBuilder('w').addTask('t', run).addStep('t').addStep('t').build(),
    );
    expect(error).to.include({ code: 'DUPLICATE_STEP', step: 't' });
  });

  it('is refused when a task type is defined twice', () => {
    const error = errorOf(() => new WorkflowBuilder('w').addTask('t', run).addTask('t', run));
    expect(error.code).to.equal('DUPLICATE_TASK');
    expect(error.message).to.contain('"t"');
  });

  it('is refused when it is empty', () => {
    expect(errorOf(() => workflow('w').build()).code).to.equal('EMPTY');
    expect(errorOf(() => actor('a', { state: 0, on: {} })).code).to.equal('EMPTY');
  });

  it('is refused when a name is none', () => {
    const names = ['', '1st', 'a b', 'a/b', 'actor:a', 'constructor', 'x'.repeat(101)];
    for (const name of names) {
      const defined = [
        () => workflow(name).task('a', { run }).build(),
        () => workflow('w').task(name, { run }).build(),
        () => task(name, { run }),
        () => actor(name, { state: 0, on: { add: () => ({}) } }),
        () => actor('a', { state: 0, on: { [name]: () => ({}) } }),
      ];
      for (const define of defined) {
        expect(errorOf(define).message).to.contain(JSON.stringify(name));
        expect(errorOf(define).code).to.equal('BAD_NAME');
      }
    }
  });

  it('is refused when errors go to a step that is not there', () => {
    const error = errorOf(() =>
      workflow('w').task('charge', { run, onError: 'refnud' }).task('refund', { run }).build(),
    );
    expect(error).to.include({ code: 'UNKNOWN_ERROR_STEP', step: 'charge' });
    expect(error.message).to.contain('Did you mean "refund"?');
  });

  it('is refused when two steps share an error handler', () => {
    const error = errorOf(() =>
      workflow('w')
        .task('a', { run, onError: 'fix' })
        .task('b', { run, onError: 'fix' })
        .task('fix', { run })
        .build(),
    );
    expect(error).to.include({ code: 'SHARED_ERROR_STEP', step: 'b' });
    expect(error.message).to.contain('already handles those of "a"');
  });

  it('is refused when a priority is out of range', () => {
    for (const priority of [0, 6, 2.5]) {
      const error = errorOf(() => workflow('w').task('a', { run, priority }).build());
      expect(error).to.include({ code: 'BAD_PRIORITY', step: 'a' });
      expect(error.message).to.contain(`priority is ${priority}`);
    }
  });

  it('is refused when a duration is none, with the option and the value', () => {
    const bad: Duration = '5s later';
    const timeout = errorOf(() => workflow('w').task('a', { run, timeout: bad }).build());
    expect(timeout).to.include({ code: 'BAD_TIMEOUT', step: 'a' });
    expect(timeout.message).to.contain("timeout: '5s later' is not a duration");
    const heartbeat = errorOf(() =>
      workflow('w')
        .task('a', { run, timeouts: { heartbeat: 0 } })
        .build(),
    );
    expect(heartbeat.message).to.contain('timeouts.heartbeat is 0');
    const retry = errorOf(() => task('t', { run, retry: { initialInterval: -1 } }));
    expect(retry.code).to.equal('BAD_RETRY');
    expect(retry.message).to.contain('task "t": retry.initialInterval: -1');
    expect(errorOf(() => workflow('w', { timeout: bad }).task('a', { run }).build()).step).to.equal(
      null,
    );
  });

  it('is refused when a retry policy contradicts itself', () => {
    const policies = [
      { maxAttempts: 0 },
      { maxRetries: -1 },
      { maxAttempts: 3, maxRetries: 2 },
      { backoffCoefficient: 0.5 },
      { jitter: 2 },
      { initialInterval: 5000, maxInterval: 1000 },
    ];
    for (const retry of policies) {
      const error = errorOf(() => workflow('w').task('a', { run, retry }).build());
      expect(error, JSON.stringify(retry)).to.include({ code: 'BAD_RETRY', step: 'a' });
    }
  });

  it('is refused when a step that waits for a signal has a condition', () => {
    const error = errorOf(() =>
      new WorkflowBuilder('w')
        .addSignal('approve')
        .when(() => true)
        .build(),
    );
    expect(error).to.include({ code: 'BAD_STEP', step: 'approve' });
    expect(error.message).to.contain('Give the condition to a step before it');
  });

  it('is refused when it says more of a signal than there is to say, as one can without types', () => {
    const options = JSON.parse('{"needs": [], "schema": {}, "timeouts": {}}');
    const error = errorOf(() => workflow('w').signal('approve', options).build());
    expect(error).to.include({ code: 'BAD_STEP', step: 'approve' });
    expect(error.message).to.contain('of which schema, timeouts says nothing');
    const when = { ...JSON.parse('{}'), when: () => false };
    const conditional = errorOf(() => workflow('w').signal('approve', when).build());
    expect(conditional.message).to.contain('Give the condition to a step before it');
  });

  it('is refused when a signal cannot be waited for at all', () => {
    const error = errorOf(() => workflow('w').signal('approve', { timeout: 0 }).build());
    expect(error).to.include({ code: 'BAD_TIMEOUT', step: 'approve' });
    const payload = JSON.parse('{"~standard": {}}');
    const schema = errorOf(() => workflow('w').signal('approve', { payload }).build());
    expect(schema).to.include({ code: 'BAD_INPUT_SCHEMA', step: 'approve' });
  });

  it('is refused when its schema is none', () => {
    const input = JSON.parse('{"~standard": {}}');
    expect(errorOf(() => workflow('w', { input }).task('a', { run }).build()).code).to.equal(
      'BAD_INPUT_SCHEMA',
    );
  });
});
