import type { JsonObject } from '#actors/json.ts';
import type { ClusterApi } from '#cluster/api.ts';

interface SampleRun {
  readonly name: string;
  readonly input: JsonObject;
}

/** Starts each sample once, when this cluster has never run a workflow: the page then has something to show. */
export async function runSamples(api: ClusterApi, samples: readonly SampleRun[]): Promise<number> {
  const counts = await api.stats();
  if (Object.values(counts).some((count) => count > 0)) return 0;
  // One after the other: lists have them in this order then, and the best to look at comes last.
  for (const [index, { name, input }] of samples.entries()) {
    const id = `sample-${index + 1}-${name}`;
    await api.start({ name, input, id, onConflict: 'useExisting' });
  }
  return samples.length;
}
