import { DefinitionError } from './definition-error.ts';

// A slash parts workflow and step in the key of a queue, a colon marks the queue of an actor; a digit in front would let
// JavaScript reorder the keys of `outputs`.
const pattern = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;

/**
 * Workflows, steps, task types, actors and their messages are named by one rule: 1 to 100 letters, digits, `_`, `.` and
 * `-`, beginning with a letter, and no name that every object has.
 * @throws DefinitionError `BAD_NAME`
 */
export function checkName(kind: string, name: string, where?: string): void {
  if (typeof name === 'string' && pattern.test(name) && !(name in Object.prototype)) return;
  const why =
    typeof name === 'string' && name in Object.prototype
      ? 'every JavaScript object has a property of that name'
      : 'a name has 1 to 100 letters, digits, "_", "." and "-", and begins with a letter';
  throw new DefinitionError({
    code: 'BAD_NAME',
    where: where ?? kind,
    message: `${JSON.stringify(name)} cannot be the name of a ${kind}: ${why}. Choose another.`,
  });
}
