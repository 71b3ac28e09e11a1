/**
 * Names of things.
 *
 * An **actor id** is a workflow id (no slash) or `name/key` for an actor of the user's own.
 * A **task id** is `workflowId.n`, where n is the number of its step in the definition: the id says where the task lives,
 * so no index is needed to find it.
 */
const workflowIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;
const actorKeyPattern = /^[A-Za-z0-9_.:@-]{1,100}$/;

/** Whether a client may call a workflow so: 1 to 128 letters, digits and `_ . : @ -`, beginning with a letter or digit. */
export function isWorkflowId(id: string): boolean {
  return workflowIdPattern.test(id);
}

/** Whether an actor of the user's own may have this key: 1 to 100 letters, digits and `_ . : @ -`. */
export function isActorKey(key: string): boolean {
  return actorKeyPattern.test(key);
}

export function actorId(name: string, key: string): string {
  return `${name}/${key}`;
}

/** The name and key of an actor of the user's own, or null when the id is that of a workflow. */
export function parseActorId(id: string): { name: string; key: string } | null {
  const slash = id.indexOf('/');
  return slash < 0 ? null : { name: id.slice(0, slash), key: id.slice(slash + 1) };
}

export function taskId(workflowId: string, step: number): string {
  return `${workflowId}.${step}`;
}

/** The workflow and step number of a task id, or null when it is none. */
export function parseTaskId(id: string): { workflowId: string; step: number } | null {
  const match = /^(.+)\.(\d{1,6})$/.exec(id);
  return match === null ? null : { workflowId: match[1] ?? '', step: Number(match[2]) };
}

/** The shard of an actor. */
export function shardOf(id: string, shards: number): number {
  return hash32(id) % shards;
}

/** FNV-1a, then the finalizer of MurmurHash3, because the low bits of FNV alone spread ids badly. 0 to 2^32 - 1. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
