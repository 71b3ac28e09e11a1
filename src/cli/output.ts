import { stripVTControlCharacters, styleText } from 'node:util';

/** One document, for programs: nothing else may be on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One of many, a line each. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Columns that line up, the last one as long as it likes. A column that is empty in all rows is left out. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = columns.map((_, at) => rows.some((row) => (row[at] ?? '') !== ''));
  const lines = [columns, ...rows].map((row) => row.filter((_, at) => used[at] === true));
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...lines.map((row) => widthOf(row[at] ?? ''))),
  );
  return lines
    .map((row) =>
      row
        .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name   value`, one a line; what is not known is left out. */
export function facts(
  pairs: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const told = pairs.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

type Color = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Without colors where nobody sees them: a file, a pipe, NO_COLOR. */
export function colored(color: Color, text: string): string {
  return styleText(color, text, { stream: process.stdout });
}

const colors: Readonly<Record<string, Color>> = {
  completed: 'green',
  failed: 'red',
  canceled: 'yellow',
  retrying: 'yellow',
  waiting: 'yellow',
  running: 'cyan',
  pending: 'dim',
  skipped: 'dim',
};

export function stateText(state: string): string {
  const color = colors[state];
  return color === undefined ? state : colored(color, state);
}

/** `120 ms`, `0.2 s`, `3 min 20 s` */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** In one line, and not longer than a terminal likes. */
export function short(text: string, limit = 80): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
