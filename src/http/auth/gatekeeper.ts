import { createHash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { isForLoopback, isFromHere } from '../loopback.ts';
import { type Admission, type Principal, type Scope, scopes, withIncluded } from './principal.ts';
import { seal, unseal } from './session-cookie.ts';

/** A key as the configuration has it: its hash, never the key. */
export interface ApiKey {
  /** Names it in logs and answers; each key has its own. */
  readonly name: string;
  /** SHA-256 of the key, in hex. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** What a caller shows: at most one of them counts, and the key goes first. */
export interface Credentials {
  readonly key?: string | undefined;
  readonly session?: string | undefined;
}

interface Holder {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: readonly Scope[];
  /** Seals the sessions of this key, on every node that has it. */
  readonly secret: Buffer;
}

const everyone: Admission = {
  type: 'admitted',
  principal: { name: 'anonymous', scopes, by: 'none' },
  until: Infinity,
};

/**
 * Decides who comes in, for requests and for sockets alike. Where no key is configured everybody does who is on this machine;
 * then, and only then, requests have to name this machine, so that a page whose name was rebound to it is not served.
 */
export class Gatekeeper {
  readonly #holders: readonly Holder[];
  readonly #origins: ReadonlySet<string>;

  /** Throws when a key or an origin cannot be one. */
  constructor(options: {
    readonly keys: readonly ApiKey[];
    readonly allowedOrigins: readonly string[];
  }) {
    this.#holders = options.keys.map(holderOf);
    const twice = this.#holders.find(
      ({ name }, at) => this.#holders.findIndex((other) => other.name === name) !== at,
    );
    if (twice) throw new Error(`two API keys have the name ${JSON.stringify(twice.name)}`);
    this.#origins = new Set(options.allowedOrigins.map(originOf));
  }

  /** Whether no key is asked for. */
  get isOpen(): boolean {
    return this.#holders.length === 0;
  }

  isForUs(request: IncomingMessage): boolean {
    return !this.isOpen || isForLoopback(request);
  }

  /** Whether no page sent it, or a page of the door itself, or one of an origin that is allowed. */
  isFromOurs(request: IncomingMessage): boolean {
    return isFromHere(request) || this.allows(request.headers.origin);
  }

  /** Whether pages of this other origin may call. */
  allows(origin: string | undefined): origin is string {
    return origin !== undefined && this.#origins.has(origin);
  }

  admit({ key, session }: Credentials): Admission {
    if (this.isOpen) return everyone;
    if (key !== undefined) {
      const holder = this.#holderOf(key);
      return holder === null
        ? { type: 'refused', why: 'unknown key' }
        : { type: 'admitted', principal: principal(holder, 'key'), until: Infinity };
    }
    if (session === undefined) return { type: 'refused', why: 'no key' };
    return this.#resume(session) ?? { type: 'refused', why: 'session ended' };
  }

  /** What to keep in the browser of someone who has shown a key; null when it is none. */
  startSession(key: string, endsAt: number): string | null {
    const holder = this.#holderOf(key);
    return holder === null ? null : seal({ key, endsAt }, holder);
  }

  #resume(text: string): Admission | null {
    for (const holder of this.#holders) {
      const session = unseal(text, holder);
      // Whoever has only the hash, from a configuration file, can seal a session, but has no key to put into it.
      if (session === null || this.#holderOf(session.key) !== holder) continue;
      if (session.endsAt <= Date.now()) return null;
      return {
        type: 'admitted',
        principal: principal(holder, 'session'),
        until: session.endsAt,
      };
    }
    return null;
  }

  /** Compares with every key, and each in constant time, so that how long it takes says nothing. */
  #holderOf(key: string): Holder | null {
    const digest = createHash('sha256').update(key).digest();
    let found: Holder | null = null;
    for (const holder of this.#holders) {
      if (timingSafeEqual(digest, holder.digest)) found = holder;
    }
    return found;
  }
}

function holderOf(key: ApiKey): Holder {
  const { name, sha256 } = key;
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new Error(
      `the API key ${JSON.stringify(name)} has no SHA-256 of 64 hexadecimal digits; the key itself does not belong there`,
    );
  }
  if (key.scopes.length === 0) {
    throw new Error(`the API key ${JSON.stringify(name)} may do nothing: give it a scope`);
  }
  const digest = Buffer.from(sha256, 'hex');
  const secret = Buffer.from(hkdfSync('sha256', digest, '', 'temjob session 1', 32));
  return { name, digest, scopes: withIncluded(key.scopes), secret };
}

function principal({ name, scopes: all }: Holder, by: 'key' | 'session'): Principal {
  return { name, scopes: all, by };
}

function originOf(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (origin !== 'null' && [origin, `${origin}/`].includes(text.toLowerCase())) return origin;
  throw new Error(
    `${JSON.stringify(text)} is no origin that can be allowed: write scheme, host and port only, like https://ops.example.com`,
  );
}
