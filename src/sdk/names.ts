import { DefinitionError } from './definition-error.ts';

// A slash parts workflow and step in the key of a queue, a colon marks the queue of an actor; a digit in front would let
// JavaScript reorder the keys of `outputs`.
const pattern = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;

/**
 * Workflows, steps, task types, actors and their messages are named by one rule: 1 to 100 letters, digits, `_`, `.` and
 * `-`, beginning with a letter, and no name that every object has.
 * @throws DefinitionError `BAD_NAME`
 */
export function checkName(kind: string, name: string, where?: string): void {
  if (typeof name === 'string' && pattern.test(name) && !(name in Object.prototype)) return;
  const why =
    typeof name === 'string' && name in Object.prototype
      ? 'every JavaScript object has a property of that name'
      : 'a name has 1 to 100 letters, digits, "_", "." and "-", and begins with a letter';
  throw new DefinitionError({
    code: 'BAD_NAME',
    where: where ?? kind,
    message: `${JSON.stringify(name)} cannot be the name of a ${kind}: ${why}. Choose another.`,
  });
}

/** ` Did you mean "charge"?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known
    .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(
      ({ other, distance }) =>
        distance <= Math.min(other.length / 2, Math.max(2, other.length / 3)),
    )
    .toSorted((a, b) => a.distance - b.distance)[0];
  return near === undefined ? '' : ` Did you mean "${near.other}"?`;
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
