import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { WhyCode } from '#actors/why.ts';
import { NonRetryableError, workflow } from '#sdk/index.ts';

import { userRegistration } from '../../examples/user_registration.ts';
import { spanText } from '../../src/cli/output.ts';
import { whyText } from '../../src/cli/why-text.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { openDoors, type TestDoors } from '../support/doors.ts';
import { type Ended, temjob } from '../support/temjob.ts';

const held = { release: Promise.withResolvers<void>(), isMended: false };

const greet = workflow('greet')
  .task('compose', { run: ({ name }: { name?: string }) => ({ text: `Hello, ${name ?? 'you'}` }) })
  .build();
const doomed = workflow('doomed')
  .task('first', { run: () => ({}) })
  .task('fall', {
    needs: ['first'],
    run: () => {
      if (held.isMended) return { fell: false };
      throw new NonRetryableError('out of\n luck');
    },
  })
  .build();
const approval = workflow('approval').signal('approve').build();
const patient = workflow('patient')
  .task('wait', {
    run: async (_, { signal }) => {
      signal.addEventListener('abort', () => held.release.resolve(), { once: true });
      await held.release.promise;
      return { waited: true };
    },
  })
  .build();

describe('the commands for workflows', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  let doors: TestDoors;
  let guarded: TestDoors;

  before(async () => {
    cluster = await startCluster({
      definitions: [greet, doomed, patient, approval, userRegistration],
    });
    doors = await openDoors(cluster.apis);
    guarded = await openDoors(cluster.apis, {
      keys: [
        {
          name: 'watcher',
          sha256: createHash('sha256').update('tk_watch').digest('hex'),
          scopes: ['read'],
        },
      ],
    });
  });

  after(async () => {
    await guarded[Symbol.asyncDispose]();
    await doors[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const on = async (...args: string[]): Promise<Ended> =>
    await temjob(args, { env: { TEMJOB_URL: doors.url } });
  const json = async (...args: string[]) => {
    const { code, out, err } = await on(...args, '--json');
    expect(code, err).to.equal(0);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is in it is what the test is about
    return JSON.parse(out) as Record<string, unknown>;
  };

  const ended = async (name: string, id: string, tags = {}): Promise<void> => {
    await cluster.api.start({ name, input: {}, id, tags });
    await cluster.api.result(id, 10_000);
    // Lists lag a little.
    for (;;) {
      const {
        rows: [newest],
      } = await cluster.api.list({ limit: 1 });
      if (newest?.id === id && newest.ended_at !== undefined) return;
      await sleep(20);
    }
  };

  describe('run', () => {
    it('prints the id, and nothing else', async () => {
      const { code, out, err } = await on('run', 'greet', '{"name": "Ada"}');

      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      expect(await cluster.api.result(out.trim(), 10_000)).to.have.nested.property(
        'workflow.output.text',
        'Hello, Ada',
      );
    });

    it('takes an id, tags, and input from stdin', async () => {
      const { code, out } = await temjob(
        ['run', 'greet', '-', '--id', 'g1', '--tag', 'team=a', '--tag', 'x=1=2', '--json'],
        { env: { TEMJOB_URL: doors.url }, input: '{"name": "Bob"}' },
      );

      expect({ code, started: JSON.parse(out) }).to.deep.equal({ code: 0, started: { id: 'g1' } });
      const { workflow: shown } = await cluster.api.workflow('g1');
      expect(shown.tags).to.deep.equal({ team: 'a', x: '1=2' });
      expect(shown.input).to.deep.equal({ name: 'Bob' });

      const again = await on('run', 'greet', '--id', 'g1');
      expect(again).to.include({ code: 1, out: '' });
      expect(again.err).to.match(/^temjob: .*g1.*exists/);
    });

    it('names every field of the input that is wrong', async () => {
      const wrong = ['run', 'user_registration', '{"username": ""}'];
      const text = await on(...wrong);
      const { err, code } = await on(...wrong, '--json');

      expect(text.err.trim().split('\n')).to.satisfy(
        ([first = '', second = '', ...more]: readonly string[]) =>
          first.includes('/input/username: ') &&
          second.startsWith('  also: /input/email ') &&
          more.length === 0,
      );
      expect(code).to.equal(1);
      const { error }: { error: { problems: readonly { pointer: string }[] } } = JSON.parse(err);
      const pointers = error.problems.map(({ pointer }) => pointer);
      expect(pointers).to.deep.equal(['/input/username', '/input/email']);
    });

    it('tells with --watch what happens until the end, and shows the output', async () => {
      const { code, out } = await on('run', 'greet', '--id', 'g2', '--watch');

      expect(code).to.equal(0);
      expect(out).to.match(
        /^g2 is started\n\d\d:\d\d:\d\d {2}completed {2}compose {2}.*on a\ng2 is completed in .*\n\{\n {2}"text": "Hello, you"\n\}\n$/,
      );
    });

    it('has with --watch and --json an object a line', async () => {
      const { code, out } = await on('run', 'greet', '--id', 'g3', '--watch', '--json');

      expect(code).to.equal(0);
      const lines: readonly Record<string, { state?: string }>[] = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.at(-1)).to.have.nested.property('workflow.output.text', 'Hello, you');
      expect(lines.at(-2)).to.have.nested.property('task.state', 'completed');
    });

    it('fails with --watch when the workflow fails, and says where and why', async () => {
      const { code, out } = await on('run', 'doomed', '--id', 'd1', '--watch');

      expect(code).to.equal(1);
      expect(out)
        .to.match(/failed {5}fall {2}.*out of luck\n/)
        .and.match(/d1 is failed in .* at fall: out of\n luck\n$/);
    });
  });

  describe('show', () => {
    it('says why a workflow is not done yet', async () => {
      await cluster.api.start({ name: 'patient', input: {}, id: 'p1' });
      for (;;) {
        const [task] = (await cluster.api.workflow('p1')).tasks;
        if (task?.state === 'running') break;
        await sleep(20);
      }

      const { code, out } = await on('show', 'p1');

      expect(code).to.equal(0);
      expect(out).to.match(/^id +p1\nworkflow +patient \S+\nstate +running\n/);
      expect(out).to.match(/\nwhy +step wait has been running for .* on node a\n/);
      expect(out).to.match(/\nSTEP +STATE +ATTEMPT +TOOK +NODE\nwait +running +1 of \d+ .* +a\n/);

      const canceled = await on('cancel', 'p1', '--reason', 'enough');
      expect(canceled).to.deep.equal({ code: 0, out: 'p1 is canceled\n', err: '' });
      const { workflow: shown } = await json('show', 'p1');
      expect(shown).to.include({ state: 'canceled', error: 'enough' });
    });

    it('has the workflow and its tasks as JSON', async () => {
      await ended('greet', 'g4');

      const { workflow: shown, tasks } = await json('show', 'g4');

      expect(shown).to.deep.include({
        id: 'g4',
        state: 'completed',
        output: { text: 'Hello, you' },
      });
      expect(tasks).to.have.nested.property('[0].step', 'compose');
    });

    it('says that there is no such workflow', async () => {
      const text = await on('show', 'nobody');
      expect(text).to.deep.equal({
        code: 1,
        out: '',
        err: 'temjob: workflow not found: nobody\n',
      });

      const asJson = await on('show', 'nobody', '--json');
      expect({ code: asJson.code, error: JSON.parse(asJson.err) }).to.deep.equal({
        code: 1,
        error: { error: { code: 'NOT_FOUND', message: 'workflow not found: nobody' } },
      });
    });
  });

  describe('list', () => {
    it('has a line for each workflow, the newest first', async () => {
      await ended('doomed', 'd2');

      const { code, out } = await on('list', '--limit', '2');

      expect(code).to.equal(0);
      const [head = '', first = '', ...others] = out.trimEnd().split('\n');
      expect(head).to.match(/^ID +NAME +STATE +TASKS +STARTED +TOOK/);
      expect(first).to.match(/^d2 +doomed +failed +1\/2 +\d{4}-\d\d-\d\d .* out of luck$/);
      expect(others).to.have.length(1);
      expect(out).not.to.contain('\u001B');
    });

    it('filters by states, name and tags', async () => {
      await ended('doomed', 'd3', { colour: 'red' });

      const filter = ['--state', 'failed,canceled', '--name', 'doomed', '--tag', 'colour=red'];
      const failed = await json('list', ...filter);
      const none = await on('list', ...filter, '--tag', 'size=5');

      expect(failed).to.have.nested.property('workflows[0].id', 'd3');
      expect(failed).to.have.property('workflows').with.length(1);
      expect(none).to.deep.equal({ code: 0, out: 'no workflows\n', err: '' });
    });

    it('goes on where it ended', async () => {
      await ended('greet', 'g7');
      await ended('greet', 'g8');

      const first = await on('list', '--limit', '1');
      const [, cursor = ''] = /^more with --cursor (\S+)\n$/.exec(first.err) ?? [];
      const second = await json('list', '--limit', '1', '--cursor', cursor);

      expect(first.out).to.contain('g8');
      expect(second).to.have.nested.property('workflows[0].id', 'g7');
      expect(second['next_cursor']).to.be.a('string');
    });

    it('has colors where somebody wants them', async () => {
      await ended('greet', 'g6');
      const env = { TEMJOB_URL: doors.url, FORCE_COLOR: '1' };

      const { out } = await temjob(['list', '--limit', '1'], { env });

      expect(out).to.contain('\u001B[32mcompleted\u001B[39m');
    });
  });

  describe('cancel and retry', () => {
    it('refuse what has ended otherwise, and what has not failed', async () => {
      await ended('greet', 'g5');

      const canceled = await on('cancel', 'g5');
      const retried = await on('retry', 'g5');

      expect(canceled).to.include({ code: 1, out: '' });
      expect(canceled.err).to.match(/^temjob: cannot cancel workflow in state: completed/);
      expect(retried).to.include({ code: 1, out: '' });
      expect(retried.err).to.match(/^temjob: .*g5/);
    });

    it('let a failed workflow go on from its failed step', async () => {
      await ended('doomed', 'd4');
      held.isMended = true;

      expect(await json('retry', 'd4')).to.deep.equal({ id: 'd4', state: 'running' });

      const { workflow: shown } = await cluster.api.result('d4', 10_000);
      held.isMended = false;
      expect(shown.output).to.deep.equal({ fell: false });
    });
  });

  describe('signal', () => {
    it('lets a workflow go on that waits for it, with the payload as its output', async () => {
      await cluster.api.start({ name: 'approval', input: {}, id: 's1' });
      const shown = await on('show', 's1');
      expect(shown.out).to.match(
        /why +step approve has been waiting for .* for the signal approve/,
      );

      const { code, out } = await on('signal', 's1', 'approve', '{"by": "ada"}');

      expect(code).to.equal(0);
      expect(out).to.equal('s1 has the signal approve\n');
      const { workflow: view } = await cluster.api.result('s1', 10_000);
      expect(view.output).to.deep.equal({ by: 'ada' });
    });

    it('can be repeated under a request id, and says as JSON what was sent', async () => {
      await cluster.api.start({ name: 'approval', input: {}, id: 's2' });
      const call = ['signal', 's2', 'approve', '[1]', '--request-id', 'r1'];

      expect(await json(...call)).to.deep.equal({ id: 's2', signal: 'approve' });
      expect(await json(...call)).to.deep.equal({ id: 's2', signal: 'approve' });
      const other = await on('signal', 's2', 'approve');

      expect(other.code).to.equal(1);
      expect(other.err).to.match(/^temjob: cannot signal workflow in state: completed/);
    });
  });

  describe('a command that cannot do what it should', () => {
    for (const [about, args, code, message] of [
      ['an unknown command', ['lst'], 2, /there is no command "lst"\. Did you mean "list"\?/],
      ['an unknown option', ['list', '--stat', 'x'], 2, /unknown option '--stat'[^]*--state/],
      ['an unknown state', ['list', '--state', 'done'], 2, /Those are pending, running/],
      ['too large a limit', ['list', '--limit', '201'], 2, /whole number from 1 to 200/],
      ['no name', ['run'], 2, /missing required argument 'name'/],
      ['input that is no JSON', ['run', 'greet', '{a: 1}'], 2, /the input is not JSON: .*Quote it/],
      ['input that is no object', ['run', 'greet', '[1]'], 2, /has to be a JSON object/],
      ['a payload that is no JSON', ['signal', 'g1', 'a', 'yes'], 2, /the payload is not JSON/],
      ['a tag without a value', ['run', 'greet', '--tag', 'x'], 2, /key=value/],
      ['a URL that is none', ['list', '--url', 'x'], 2, /not the URL of a TemJob node/],
      ['an unknown definition', ['run', 'nobody'], 1, /nobody/],
      ['nobody at the URL', ['list', '--url', 'http://127.0.0.1:1'], 69, /nothing answers at/],
    ] satisfies [string, string[], number, RegExp][]) {
      it(`ends with ${code} for ${about}`, async () => {
        const end = await on(...args);

        expect(end).to.include({ code, out: '' });
        expect(end.err)
          .to.match(message)
          .and.not.match(/^ +at /m);
      });
    }

    it('ends with 77 without a key, with an unknown one, and with one that may not', async () => {
      const env = { TEMJOB_URL: guarded.url };

      const without = await temjob(['list'], { env });
      const unknown = await temjob(['list', '--key', 'tk_guessed'], { env });
      const reading = await temjob(['list'], { env: { ...env, TEMJOB_KEY: 'tk_watch' } });
      const starting = await temjob(['run', 'greet', '--key', 'tk_watch'], { env });

      expect(without).to.include({ code: 77, out: '' });
      expect(without.err).to.contain('Send an API key');
      expect(unknown).to.include({ code: 77, out: '' });
      expect(reading).to.include({ code: 0, err: '' });
      expect(starting).to.include({ code: 77, out: '' });
      expect(starting.err).to.contain('needs the scope "operate"');
    });
  });
});

describe('the reason why a workflow waits', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const at = (ms: number): string => new Date(now + ms).toISOString();
  const params = {
    node: 'a',
    attempt: 2,
    max: 3,
    error: 'no luck',
    type: 'mail',
    since: at(-90_000),
    shard: 1,
    signal: 'approve',
  };
  const texts: Readonly<Record<WhyCode, string>> = {
    WAITING_FOR_OWNER: 'no node decides for it just now; another one takes over within seconds',
    RUNNING: 'step s has been running for 1 min 30 s on node a, attempt 2',
    RUNNING_SILENT:
      'step s runs on node a, attempt 2, but has sent no heartbeat for 1 min 30 s; it is given up in 5.0 s',
    WAITING_FOR_RETRY: 'step s has failed (attempt 2 of 3: no luck); it is tried again in 5.0 s',
    WAITING_FOR_SIGNAL:
      'step s has been waiting for 1 min 30 s for the signal approve: temjob signal ID approve sends it; it is given up in 5.0 s',
    NO_NODE_OFFERS_TYPE:
      'step s needs mail, for which no living node has the code: start a node with its module',
    WAITING_FOR_CAPACITY:
      'step s has been waiting for 1 min 30 s for a free place on a node with mail: wait, start more nodes, or raise worker.concurrency',
    STARTING: 'step s begins in a moment',
  };
  const codes = Object.keys(texts).filter((code): code is WhyCode => code in texts);

  for (const code of codes) {
    it(`is put into words for ${code}`, () => {
      expect(whyText({ code, step: 's', params, until: at(5_000) }, now)).to.equal(texts[code]);
    });
  }

  it('has a span that people can read', () => {
    expect([-5, 12, 1_500, 61_000, 3_720_000].map(spanText)).to.deep.equal([
      '0 ms',
      '12 ms',
      '1.5 s',
      '1 min 1 s',
      '1 h 2 min',
    ]);
  });
});
