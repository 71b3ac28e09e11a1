import { en } from './en.ts';
import { formatNumber } from './format.ts';
import { languageTag, textOf } from './language.ts';
import type { Arguments, Key } from './message.ts';

/** A message in the language of the page: `t('nodes.up', { count: 3 })`. Numbers are written as the language does. */
export function t<Id extends Key>(key: Id, ...[params]: Arguments<Id, string | number>): string {
  return pieces(key, params)
    .map((piece) => (typeof piece === 'number' ? formatNumber(piece) : piece))
    .join('');
}

/** The same with elements for parameters: what comes out are children for `h`. */
export function rich<Id extends Key, Part extends object>(
  key: Id,
  ...[params]: Arguments<Id, Part | string | number>
): readonly (Part | string)[] {
  return pieces(key, params).map((piece) =>
    typeof piece === 'number' ? formatNumber(piece) : piece,
  );
}

/** Whether there is a message of that key. */
export function hasText(key: string): key is Key {
  return Object.hasOwn(en, key);
}

function pieces<Value>(
  key: Key,
  params: Readonly<Record<string, Value>> = {},
): readonly (Value | string)[] {
  const { count } = params;
  return formOf(key, typeof count === 'number' ? count : 0)
    .split(/\{(\w+)\}/)
    .map((part, index) => (index % 2 === 0 ? part : (params[part] ?? `{${part}}`)));
}

function formOf(key: Key, count: number): string {
  const text = textOf(key);
  if (typeof text === 'string') return text;
  return plural(count) === 'one' ? text.one : text.other;
}

let rules = new Intl.PluralRules('en');

function plural(count: number): Intl.LDMLPluralRule {
  const tag = languageTag();
  if (rules.resolvedOptions().locale !== tag) rules = new Intl.PluralRules(tag);
  return rules.select(count);
}
