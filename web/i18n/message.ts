import type { en } from './en.ts';

/*
 * What a message is. A text may hold parameters in braces: `{count} nodes`. One whose words follow a number has two forms,
 * chosen by its parameter `count`. Which parameters a message takes is read from the English text, by type.
 */
export type Text = string | { readonly one: string; readonly other: string };

export type English = typeof en;
export type Key = keyof English;

type Names<Form extends string> = Form extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** The names of the parameters of a text. */
export type ParamsOf<Message extends Text> = Message extends string
  ? Names<Message>
  : Message extends { readonly other: infer Form extends string }
    ? Names<Form> | 'count'
    : never;

/** What `t` takes after the key: nothing, or all the parameters. */
export type Arguments<Id extends Key, Value> = [ParamsOf<English[Id]>] extends [never]
  ? []
  : [params: Readonly<Record<ParamsOf<English[Id]>, Value>>];

type Same<Texts> = {
  readonly [Id in keyof Texts]: Id extends Key
    ? Texts[Id] extends Text
      ? [ParamsOf<Texts[Id]>, ParamsOf<English[Id]>] extends [
          ParamsOf<English[Id]>,
          ParamsOf<Texts[Id]>,
        ]
        ? Text
        : { readonly 'takes other parameters in English': ParamsOf<English[Id]> }
      : never
    : { readonly 'no such key in English': never };
};

/** The messages of another language: the same keys with the same parameters, or it does not compile. */
export function translation<const Texts extends Readonly<Record<Key, Text>>>(
  texts: Texts & Same<Texts>,
): Readonly<Record<Key, Text>> {
  return texts;
}
