/*
 * What Redis answered, checked: a reply of another shape is a bug or a foreign key in our place, and must not spread.
 */

export function text(reply: unknown): string {
  if (typeof reply !== 'string') throw unexpected('a string', reply);
  return reply;
}

export function textOrNull(reply: unknown): string | null {
  return reply === null || reply === undefined ? null : text(reply);
}

export function number(reply: unknown): number {
  const value = typeof reply === 'string' ? Number(reply) : reply;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected('a number', reply);
  return value;
}

export function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw unexpected('a list', reply);
  return reply;
}

export function texts(reply: unknown): string[] {
  return list(reply).map(text);
}

/** A flat list of fields and values -> a map. */
export function pairs(reply: unknown): Map<string, string> {
  const flat = texts(reply);
  const map = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) {
    map.set(flat[index] ?? '', flat[index + 1] ?? '');
  }
  return map;
}

/** A flat list -> groups of `size`. */
export function groups(reply: unknown, size: number): unknown[][] {
  const flat = list(reply);
  const found: unknown[][] = [];
  for (let index = 0; index < flat.length; index += size)
    found.push(flat.slice(index, index + size));
  return found;
}

function unexpected(wanted: string, reply: unknown): Error {
  return new TypeError(`Redis should have answered ${wanted}, not ${JSON.stringify(reply)}`);
}
