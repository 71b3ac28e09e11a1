import { createHash } from 'node:crypto';

import type { Json } from '#actors/json.ts';

import { ClusterError } from './api.ts';

/** What the parts of a place are, and the place. */
type Kinds = readonly ('number' | 'text')[];
type Place<Of extends Kinds> = {
  readonly [Key in keyof Of]: Of[Key] extends 'number' ? number : string;
};

/**
 * Where a page ended, as text that means nothing to whoever holds it. It carries a hash of what was asked, because the same
 * place in another list would silently leave things out.
 */
export function cursorOf(asked: Json, place: readonly (number | string)[]): string {
  return Buffer.from(JSON.stringify([hashOf(asked), ...place])).toString('base64url');
}

/** The place in a cursor. INVALID_INPUT when it belongs to another question, or is none. */
export function placeOf<const Of extends Kinds>(asked: Json, cursor: string, kinds: Of): Place<Of> {
  const [hash, ...place] = parsed(cursor);
  if (!isPlace(place, kinds)) {
    throw invalid('is not a cursor of this list: leave it out to begin anew');
  }
  if (hash !== hashOf(asked)) {
    throw invalid('belongs to another filter: leave it out, or give the filter that it came with');
  }
  return place;
}

function invalid(detail: string): ClusterError {
  return new ClusterError('INVALID_INPUT', `?cursor: ${detail}`, {
    problems: [{ pointer: '?cursor', detail }],
  });
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

function isPlace<Of extends Kinds>(values: readonly unknown[], kinds: Of): values is Place<Of> {
  return (
    values.length === kinds.length &&
    values.every((value, index) =>
      kinds[index] === 'number' ? Number.isSafeInteger(value) : typeof value === 'string',
    )
  );
}

function hashOf(asked: Json): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 11);
}
