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
  await Promise.all(
    samples.map(async ({ name, input }, index) => {
      await api.start({
        name,
        input,
        id: `sample-${index + 1}-${name}`,
        onConflict: 'useExisting',
      });
    }),
  );
  return samples.length;
}
