/** The JSON text of what user code gave, or why JSON cannot hold it. What `JSON.stringify` would silently lose is an error here. */
export function jsonText(value: unknown): JsonText {
  try {
    const fault = findFault(value, '', []);
    if (fault !== null) return { ok: false, problem: fault };
    return { ok: true, text: JSON.stringify(value) ?? 'null' };
  } catch (error) {
    // A getter or toJSON that throws, a revoked proxy, or nesting deeper than the stack.
    const deep = error instanceof RangeError;
    return {
      ok: false,
      problem: deep ? 'it is nested too deeply' : `it cannot be read: ${String(error)}`,
    };
  }
}

export type JsonText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

function findFault(value: unknown, path: string, above: object[]): string | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : `${where(path)} is ${value}`;
    case 'bigint':
    case 'symbol':
    case 'function':
      return `${where(path)} is a ${typeof value}`;
    case 'object':
      return value === null ? null : findFaultIn(value, path, above);
  }
}

function findFaultIn(value: object, path: string, above: object[]): string | null {
  if (above.includes(value)) return `${where(path)} refers back to an object that holds it`;
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const replaced: unknown = value.toJSON('');
    return findFault(replaced, path, [...above, value]);
  }
  above.push(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const fault = findFault(value[index], `${path}[${index}]`, above);
      if (fault !== null) return fault;
    }
  } else if (isPlain(value)) {
    for (const [key, part] of Object.entries(value)) {
      // Paths are built only for parts that can hold others or are at fault: this runs for every output.
      if (typeof part === 'string' || typeof part === 'boolean') continue;
      const fault = findFault(part, path === '' ? key : `${path}.${key}`, above);
      if (fault !== null) return fault;
    }
  } else {
    return `${where(path)} is a ${className(value)}, which JSON cannot hold`;
  }
  above.pop();
  return null;
}

/** Object literals, of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'class instance';
}

function where(path: string): string {
  return path === '' ? 'the value itself' : `'${path}'`;
}
