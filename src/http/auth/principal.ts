import assert from 'node:assert';
import type { IncomingMessage } from 'node:http';

import { forbidden, unauthenticated } from '../problems.ts';

export const scopes = ['read', 'operate', 'admin'] as const;

/** What a caller may do; each includes those before it. */
export type Scope = (typeof scopes)[number];

/** Who asks. */
export interface Principal {
  /** Of the key; `anonymous` where no key is asked for. */
  readonly name: string;
  /** All of them, the included ones too. */
  readonly scopes: readonly Scope[];
  readonly by: 'none' | 'key' | 'session';
}

/** What the door makes of a caller's credentials. */
export type Admission =
  | {
      readonly type: 'admitted';
      readonly principal: Principal;
      /** When it ends by itself, in ms since 1970; Infinity for a key. */
      readonly until: number;
    }
  | { readonly type: 'refused'; readonly why: 'no key' | 'unknown key' | 'session ended' };

const admissions = new WeakMap<IncomingMessage, Admission>();

export function admit(request: IncomingMessage, admission: Admission): void {
  admissions.set(request, admission);
}

/** Throws nothing: what a request that needs no key may want to know. */
export function admissionOf(request: IncomingMessage): Admission {
  const admission = admissions.get(request);
  assert(admission !== undefined, 'authenticate comes before whatever asks who it is');
  return admission;
}

/** Who sent the request; 401 when nobody knows. */
export function principalOf(request: IncomingMessage): Principal {
  const admission = admissionOf(request);
  if (admission.type === 'refused') throw unauthenticated(admission.why);
  return admission.principal;
}

/** Throws 401 when nobody knows who sent the request, 403 when that one may not do this. */
export function requireScope(request: IncomingMessage, scope: Scope): void {
  const principal = principalOf(request);
  if (!principal.scopes.includes(scope)) throw forbidden(principal, scope);
}

/** The scopes with those that they include. */
export function withIncluded(given: readonly Scope[]): readonly Scope[] {
  const highest = Math.max(...given.map((scope) => scopes.indexOf(scope)));
  return scopes.slice(0, highest + 1);
}
