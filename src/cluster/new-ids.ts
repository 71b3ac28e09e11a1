import { createHash } from 'node:crypto';

import { randomBytes } from './random.ts';

/** The same request is the same workflow: a UUIDv8 (RFC 9562) made of it. */
export function workflowIdOf(requestId: string | undefined): string | null {
  if (requestId === undefined) return null;
  const bytes = createHash('sha256').update(requestId).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

/** UUIDv7 (RFC 9562): time-ordered, so that new rows of an index land beside each other. */
export function newWorkflowId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function newMessageId(): string {
  return randomBytes(12).toString('base64url');
}
