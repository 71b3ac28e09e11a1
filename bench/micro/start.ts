import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/*
 * How long `npm start` takes from the start of its process, without npm: `node bench/micro/start.ts [rounds]`.
 * "cold" creates the databases, "warm" finds them. "ready": the API of the first node answers; "cluster": all three do.
 */
const rounds = Number(process.argv[2] ?? 1);
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

console.log('round  start  ready ms  cluster ms');
for (let round = 1; round <= rounds; round += 1) {
  const data = await mkdtemp(join(tmpdir(), 'temjob-start-'));
  try {
    for (const start of ['cold', 'warm']) {
      const { ready, cluster } = await measure(data);
      console.log(
        [
          String(round).padStart(5),
          start.padStart(6),
          ready.toFixed(0).padStart(9),
          cluster.toFixed(0).padStart(11),
        ].join(' '),
      );
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function measure(data: string): Promise<{ ready: number; cluster: number }> {
  const since = performance.now();
  const dev = spawn(process.execPath, [main, 'dev', '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(dev, 'exit');
  let ready = NaN;
  let cluster = NaN;
  const said: string[] = [];
  for await (const line of createInterface({ input: dev.stdout })) {
    said.push(line);
    const now = performance.now() - since;
    if (line.startsWith('TemJob is ready')) ready = now;
    if (/Cluster +3 nodes/.test(line)) cluster = now;
    // Only once: it would count as a second Ctrl-C.
    if (ready > 0 && cluster > 0 && !dev.killed) dev.kill('SIGINT');
  }
  const [code] = await exit;
  if (code !== 0) throw new Error(`it ended with ${code}:\n${said.join('\n')}`);
  return { ready, cluster };
}
