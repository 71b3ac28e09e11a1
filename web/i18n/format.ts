import { languageTag } from './language.ts';

/* Numbers, sizes, times and durations as the language of the page writes them. */

export function formatNumber(value: number, digits = 0): string {
  return numbers({ maximumFractionDigits: digits }).format(value);
}

/** 0.0312 -> `3.1%`. */
export function formatPercent(fraction: number, digits = 0): string {
  return numbers({ style: 'percent', maximumFractionDigits: digits }).format(fraction);
}

export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  let value = bytes;
  let size = 0;
  while (value >= 1024 && size < units.length - 1) {
    value /= 1024;
    size += 1;
  }
  return numbers({
    style: 'unit',
    unit: units[size] ?? 'byte',
    unitDisplay: size === 0 ? 'long' : 'short',
    maximumFractionDigits: size > 1 && value < 10 ? 1 : 0,
  }).format(value);
}

/** `250ms`, `3.2s`, `3m 20s`, `2h 5m`, `4d 1h`: two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return unit(Math.max(0, Math.round(ms)), 'millisecond');
  const seconds = ms / 1_000;
  if (seconds < 10) return unit(Math.floor(seconds * 10) / 10, 'second', 1);
  return coarse(ms);
}

/** The same in whole seconds, for what goes on while one looks. */
export function formatPassing(ms: number): string {
  return ms < 60_000 ? unit(Math.max(0, Math.floor(ms / 1_000)), 'second') : coarse(ms);
}

/** `3m ago`. */
export function formatAgo(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 60) return relative(seconds, 'second');
  if (seconds < 3_600) return relative(seconds / 60, 'minute');
  if (seconds < 86_400) return relative(seconds / 3_600, 'hour');
  return relative(seconds / 86_400, 'day');
}

/** The whole moment, for titles. */
export function formatMoment(at: Date): string {
  return dates({ dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

/** `12:03:07`. */
export function formatClock(at: Date): string {
  return dates({ timeStyle: 'medium' }).format(at);
}

/** `12:03`. */
export function formatMinute(at: Date): string {
  return dates({ hour: '2-digit', minute: '2-digit' }).format(at);
}

function coarse(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return unit(seconds, 'second');
  if (seconds < 3_600) return two([seconds / 60, 'minute'], [seconds % 60, 'second']);
  if (seconds < 86_400) return two([seconds / 3_600, 'hour'], [(seconds % 3_600) / 60, 'minute']);
  return two([seconds / 86_400, 'day'], [(seconds % 86_400) / 3_600, 'hour']);
}

type Unit = 'millisecond' | 'second' | 'minute' | 'hour' | 'day';

function two(first: readonly [number, Unit], second: readonly [number, Unit]): string {
  const rest = Math.floor(second[0]);
  const whole = unit(Math.floor(first[0]), first[1]);
  if (rest === 0) return whole;
  const list = kept(lists, '', () => {
    return new Intl.ListFormat(languageTag(), { type: 'unit', style: 'narrow' });
  });
  return list.format([whole, unit(rest, second[1])]);
}

function unit(value: number, name: Unit, digits = 0): string {
  return numbers({
    style: 'unit',
    unit: name,
    unitDisplay: 'narrow',
    maximumFractionDigits: digits,
  }).format(value);
}

function relative(value: number, name: Intl.RelativeTimeFormatUnit): string {
  const made = kept(relatives, '', () => {
    return new Intl.RelativeTimeFormat(languageTag(), { style: 'narrow' });
  });
  return made.format(-Math.floor(value), name);
}

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return kept(numberFormats, JSON.stringify(options), () => {
    return new Intl.NumberFormat(languageTag(), options);
  });
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(dateFormats, JSON.stringify(options), () => {
    return new Intl.DateTimeFormat(languageTag(), { ...options, hourCycle: 'h23' });
  });
}

// Making a formatter takes longer than using it a hundred times.
const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();
const lists = new Map<string, Intl.ListFormat>();
const relatives = new Map<string, Intl.RelativeTimeFormat>();

function kept<Format>(formats: Map<string, Format>, options: string, make: () => Format): Format {
  const key = `${languageTag()} ${options}`;
  const have = formats.get(key);
  if (have !== undefined) return have;
  const made = make();
  formats.set(key, made);
  return made;
}
