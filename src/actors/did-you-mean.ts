/** ` Did you mean "charge"?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known
    // What differs more in length than a mistake may differ at all need not be compared: the name may be anybody's, of any length.
    .filter((other) => Math.abs(other.length - name.length) <= mostMistakes(other))
    .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, distance }) => distance <= mostMistakes(other))
    .toSorted((a, b) => a.distance - b.distance)[0];
  return near === undefined ? '' : ` Did you mean "${near.other}"?`;
}

function mostMistakes({ length }: string): number {
  return Math.min(length / 2, Math.max(2, length / 3));
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substitute = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
