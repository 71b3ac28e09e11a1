import type { LayoutAnswer, LayoutOrder } from './layout-worker.ts';
import { type Layout, layOut, type LayoutOptions, type LayoutStep } from './layout.ts';

/*
 * Layouts of graphs: made once for each version of a definition, and kept. A small one takes a few milliseconds and is made at
 * once; a large one is made by a worker, so that the page goes on answering meanwhile.
 */
const smallGraph = 40;
const keptLimit = 50;

const kept = new Map<string, Layout | Promise<Layout>>();

/** `key` names the graph and how it is laid out: what has the same key is the same. */
export function layoutOf(
  key: string,
  graph: readonly LayoutStep[],
  options: LayoutOptions,
): Layout | Promise<Layout> {
  const have = kept.get(key);
  if (have !== undefined) return have;
  const made = graph.length <= smallGraph ? measured(graph, options) : order(key, graph, options);
  kept.set(key, made);
  const [oldest] = kept.keys();
  if (kept.size > keptLimit && oldest !== undefined) kept.delete(oldest);
  return made;
}

async function order(
  key: string,
  graph: readonly LayoutStep[],
  options: LayoutOptions,
): Promise<Layout> {
  const layout = await byWorker(graph, options);
  if (kept.has(key)) kept.set(key, layout);
  return layout;
}

/** Noted for whoever looks at the performance of the page, or counts how often it happens. */
function measured(graph: readonly LayoutStep[], options: LayoutOptions): Layout {
  const start = performance.now();
  const layout = layOut(graph, options);
  performance.measure('temjob:layout', { start });
  return layout;
}

let worker: Worker | null = null;
let orders = 0;

async function byWorker(graph: readonly LayoutStep[], options: LayoutOptions): Promise<Layout> {
  worker ??= new Worker(workerUrl(), { type: 'module' });
  const asked = worker;
  const start = performance.now();
  orders += 1;
  const own = orders;
  const { promise, resolve, reject } = Promise.withResolvers<Layout>();
  const listening = new AbortController();
  asked.addEventListener(
    'message',
    ({ data }: MessageEvent<LayoutAnswer>) => {
      if (data.order === own) resolve(data.layout);
    },
    { signal: listening.signal },
  );
  asked.addEventListener('error', () => reject(new Error('no worker')), {
    signal: listening.signal,
  });
  const message: LayoutOrder = { order: own, graph, options };
  asked.postMessage(message, []);
  try {
    const layout = await promise;
    performance.measure('temjob:layout', { start });
    return layout;
  } catch {
    // A browser that will not run it: the page stands still for a moment, and is right.
    worker = null;
    return measured(graph, options);
  } finally {
    listening.abort();
  }
}

/** The builder writes its name into the page. */
function workerUrl(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="layout-worker"]')?.content ?? '';
}
