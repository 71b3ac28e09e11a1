import { createHash, randomBytes } from 'node:crypto';

import type { ApiKey } from '#http/auth/gatekeeper.ts';
import type { Scope } from '#http/auth/principal.ts';

export interface TestKey {
  /** What a caller sends. */
  readonly text: string;
  /** What the door is configured with. */
  readonly key: ApiKey;
}

export function newKey(name: string, ...scopes: readonly Scope[]): TestKey {
  const text = `tk_${randomBytes(24).toString('base64url')}`;
  return { text, key: { name, sha256: createHash('sha256').update(text).digest('hex'), scopes } };
}
