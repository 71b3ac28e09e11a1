import assert from 'node:assert/strict';

/**
 * A row as mysql2 hands it over. BIGINT and DECIMAL (which COALESCE, GREATEST and MAX of a BIGINT make) may arrive as
 * strings, and `'1' + 1` is `'11'`: so columns are read through these functions alone.
 */
export type Row = Readonly<Record<string, unknown>>;

export function int(row: Row, column: string): number {
  const value = intOrNull(row, column);
  assert(value !== null, `${column} is NULL`);
  return value;
}

export function intOrNull(row: Row, column: string): number | null {
  const value = row[column];
  if (value === null) return null;
  assert(
    typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint',
    `${column} is no number`,
  );
  const number = Number(value);
  assert(value !== '' && Number.isSafeInteger(number), `${column} is no safe integer: ${value}`);
  return number;
}

export function text(row: Row, column: string): string {
  const value = textOrNull(row, column);
  assert(value !== null, `${column} is NULL`);
  return value;
}

/** Binary columns hold UTF-8. */
export function textOrNull(row: Row, column: string): string | null {
  const value = row[column];
  if (value === null || typeof value === 'string') return value;
  assert(Buffer.isBuffer(value), `${column} is no text`);
  return value.toString('utf8');
}
