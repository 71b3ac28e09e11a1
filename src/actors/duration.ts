const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

type Unit = keyof typeof unitsMs;

/** Milliseconds, or text as Go writes it: `'250ms'`, `'5s'`, `'1.5h'`, `'1h30m'`, `'2d'`. */
export type Duration = number | `${number}${Unit}` | `${number}${Unit}${string}`;

// Biggest unit first; `m` must not swallow the first letter of `ms`.
const pattern =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const units: readonly Unit[] = ['d', 'h', 'm', 's', 'ms'];

/**
 * A duration in whole milliseconds. Takes what a user or a configuration file wrote, `'0'` included.
 * @throws RangeError that says what is wrong with the value and shows one that would do.
 */
export function parseDuration(value: string | number): number {
  const ms = typeof value === 'number' ? value : textToMs(value);
  if (!Number.isFinite(ms) || ms < 0 || !Number.isSafeInteger(Math.round(ms))) {
    throw new RangeError(`${shown(value)} is not a duration: it must be zero or more and finite.`);
  }
  return Math.round(ms);
}

/** The shortest text that `parseDuration` reads back to the same number: 5400000 -> `'1h30m'`, 1500 -> `'1.5s'`. */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  if (whole < unitsMs.s) return `${whole}ms`;
  let rest = whole;
  let text = '';
  for (const unit of ['d', 'h', 'm'] as const) {
    const count = Math.floor(rest / unitsMs[unit]);
    rest -= count * unitsMs[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return rest === 0 ? text : `${text}${rest / unitsMs.s}s`;
}

function textToMs(text: string): number {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const match = trimmed === '' ? null : pattern.exec(trimmed);
  if (match === null) {
    throw new RangeError(
      `${shown(text)} is not a duration. Write milliseconds as a number, or units from d, h, m, s, ms, biggest first: '250ms', '5s', '1h30m'.`,
    );
  }
  return units.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unitsMs[unit], 0);
}

function shown(value: string | number): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
