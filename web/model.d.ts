/*
 * What the model uses of Node: the types of answers are those of schemas, which are tied to it. With the types of all of
 * Node, the console could use what no browser has.
 */
declare module 'node:assert' {
  export default function assert(value: unknown, message?: string): asserts value;
}

declare module 'node:util' {
  export function isDeepStrictEqual(one: unknown, other: unknown): boolean;
}
