import { readFileSync } from 'node:fs';

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';

/** A value that somebody has given, and where. */
export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  /** `config.yaml:12`, the name of a variable, or an option of the command line. */
  readonly origin: string;
  /** The higher one goes before the lower. */
  readonly layer: Layer;
}

export const layers = { file: 1, env: 2, flag: 3 } as const;
type Layer = (typeof layers)[keyof typeof layers];

/** What a layer says, and what is wrong with how it says it. */
export interface Told {
  readonly given: readonly Given[];
  readonly problems: readonly string[];
}

/** `places`: where the parts of lists stand, by path, for what is wrong with one of them. */
export function valuesOfFile(
  file: string,
): Told & { readonly places: ReadonlyMap<string, string> } {
  const given: Given[] = [];
  const places = new Map<string, string>();
  const refused = (...problems: readonly string[]) => ({ given, places, problems });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refused(`${file} cannot be read: ${messageOf(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined): string =>
    `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    return refused(
      ...document.errors.map(({ message, pos }) => `${at(pos[0])}: this is not YAML: ${message}`),
    );
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return refused();
  if (!isMap(root)) return refused(`${at(root.range?.[0])}: has to hold sections, like "server:"`);
  const note = (node: unknown, path: readonly string[], from: number | undefined): void => {
    // An empty value is none: "redis:" alone says nothing of Redis.
    if (!isNode(node) || (isScalar(node) && node.value === null)) return;
    const meant = isAlias(node) ? node.resolve(document) : node;
    if (!isMap(meant)) {
      const value: unknown = node.toJS(document);
      given.push({ path, value, origin: at(from), layer: layers.file });
      place(meant, path);
      return;
    }
    for (const { key, value } of meant.items) {
      const start = isNode(key) ? key.range?.[0] : undefined;
      const name = isScalar(key) ? String(key.value) : String(key);
      note(value, [...path, name], isAlias(node) ? from : start);
    }
  };
  const place = (node: unknown, path: readonly string[]): void => {
    if (isNode(node)) places.set(path.join('.'), at(node.range?.[0]));
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) place(item, [...path, String(index)]);
    } else if (isMap(node)) {
      for (const { key, value } of node.items) place(value, [...path, String(key)]);
    }
  };
  note(root, [], root.range?.[0]);
  return { given, places, problems: [] };
}

/** `TEMJOB__SECTION__KEY`, and `TEMJOB__SECTION__KEY_FILE` for the keys that are secrets. An empty variable is none. */
export function valuesOfEnvironment(
  env: NodeJS.ProcessEnv,
  isSecret: (key: string) => boolean,
): Told {
  const given: Given[] = [];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix) || value === undefined || value === '') continue;
    const path = name.slice(prefix.length).toLowerCase().split('__');
    const key = path.join('.');
    const base = key.replace(/_file$/, '');
    if (base === key || !isSecret(base)) {
      given.push({ path, value, origin: name, layer: layers.env });
      continue;
    }
    const direct = name.slice(0, -'_FILE'.length);
    if (env[direct]) {
      problems.push(`${name}: ${direct} is set, too; unset one of them`);
      continue;
    }
    try {
      // An editor ends a file with a newline, which belongs to no password.
      const secret = readFileSync(value, 'utf8').replace(/\r?\n$/, '');
      given.push({ path: base.split('.'), value: secret, origin: name, layer: layers.env });
    } catch (error) {
      problems.push(`${name}: the file cannot be read: ${messageOf(error)}`);
    }
  }
  return { given, problems };
}

type Tree = { [key: string]: unknown };

/** The values as one tree, the higher layers over the lower ones. */
export function treeOf(given: readonly Given[]): Told & { readonly tree: Tree } {
  const tree: Tree = {};
  const problems: string[] = [];
  for (const one of given.toSorted((a, b) => a.layer - b.layer)) {
    const place = sectionOf(tree, one.path.slice(0, -1));
    const name = one.path.at(-1) ?? '';
    if (place === null) {
      problems.push(
        `${one.origin}: ${one.path.slice(0, -1).join('.')} is a value elsewhere, and no section`,
      );
    } else if (isTree(place[name])) {
      problems.push(`${one.origin}: ${one.path.join('.')} is a section and takes no value`);
    } else {
      place[name] = one.value;
    }
  }
  return { tree, given, problems };
}

const prefix = 'TEMJOB__';

function sectionOf(tree: Tree, path: readonly string[]): Tree | null {
  let at = tree;
  for (const name of path) {
    const below = Object.hasOwn(at, name) ? at[name] : {};
    if (!isTree(below)) return null;
    at[name] = below;
    at = below;
  }
  return at;
}

function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
