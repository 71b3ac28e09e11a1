const sliceMs = 8;

/**
 * Does something for each item, and lets the browser answer keys and clicks in between: no slice keeps the page busy for much
 * longer than `sliceMs`. Stops when the signal says so.
 */
export async function inSlices<Item>(
  items: readonly Item[],
  signal: AbortSignal,
  each: (item: Item) => void,
): Promise<void> {
  let began = performance.now();
  for (const item of items) {
    if (signal.aborted) return;
    each(item);
    if (performance.now() - began < sliceMs) continue;
    // Not a frame: a tab in the background has none.
    await new Promise((resolve) => setTimeout(resolve));
    began = performance.now();
  }
}
