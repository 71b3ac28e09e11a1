import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { isFromHere } from '../loopback.ts';

/*
 * The session of a console is a cookie that every node can read and none keeps: the key that was shown, and when the session
 * ends, sealed (AES-256-GCM) under a secret that comes from the key's hash. The cookie alone does not give the key away; the
 * hash alone, which is in the configuration, does not make a session; and without the key in the configuration it is nothing.
 */
export interface Session {
  readonly key: string;
  /** In ms since 1970. */
  readonly endsAt: number;
}

export interface Seal {
  readonly name: string;
  readonly secret: Buffer;
}

export const cookieName = 'temjob_session';

const algorithm = 'aes-256-gcm';
const ivLength = 12;
const tagLength = 16;

export function seal({ key, endsAt }: Session, { name, secret }: Seal): string {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv(algorithm, secret, iv).setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(`${endsAt} ${key}`, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Null when it was sealed by something else, or is no session at all. */
export function unseal(text: string, { name, secret }: Seal): Session | null {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length <= ivLength + tagLength) return null;
  const decipher = createDecipheriv(algorithm, secret, bytes.subarray(0, ivLength))
    .setAAD(Buffer.from(name))
    .setAuthTag(bytes.subarray(ivLength, ivLength + tagLength));
  try {
    const opened = `${decipher.update(bytes.subarray(ivLength + tagLength), undefined, 'utf8')}${decipher.final('utf8')}`;
    const space = opened.indexOf(' ');
    return { key: opened.slice(space + 1), endsAt: Number(opened.slice(0, space)) };
  } catch {
    // The seal is another's, or broken: that is all that decryption can fail with.
    return null;
  }
}

/** No script can read it, and no other site can make the browser send it. On plain HTTP a `Secure` one would not come back. */
export function setCookie(
  value: string,
  { seconds, isSecure }: { readonly seconds: number; readonly isSecure: boolean },
): string {
  const secure = isSecure ? '; Secure' : '';
  return `${cookieName}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Strict${secure}`;
}

/** Only from pages of the door itself: those of other origins, even of allowed ones, have to show a key. */
export function sessionOf(request: IncomingMessage): string | undefined {
  if (!isFromHere(request)) return undefined;
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.split('=', 2);
    if (name?.trim() === cookieName) return value?.trim();
  }
  return undefined;
}
