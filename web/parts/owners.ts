/** Nodes have a colour each, the same on the whole page; who comes ninth shares one. No owner has none. */
export function ownerColour(number: number): string {
  return number < 0 ? 'var(--line)' : `var(--owner-${number % colours})`;
}

/** The styles have as many. */
const colours = 8;

/** `0–12, 15, 20–21`. */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < numbers.length;) {
    const first = numbers[index] ?? 0;
    let last = first;
    while (numbers[index + 1] === last + 1) {
      index += 1;
      last += 1;
    }
    index += 1;
    parts.push(first === last ? String(first) : `${first}–${last}`);
  }
  return parts.join(', ');
}
