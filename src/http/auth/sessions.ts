import type { DoorLog } from '../door-log.ts';
import { unauthenticated } from '../problems.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { Principal } from './principal.ts';
import { setCookie } from './session-cookie.ts';

/** Where a request comes from. */
export interface Client {
  readonly address: string;
  /** Whether it came by TLS, to the door or to a proxy that the door trusts. */
  readonly isSecure: boolean;
}

const sessionMs = 12 * 60 * 60 * 1000;

/** Starts and ends the sessions of people; nothing of them is kept here. */
export class Sessions {
  readonly #gatekeeper: Gatekeeper;
  readonly #log: DoorLog;

  constructor(gatekeeper: Gatekeeper, log: DoorLog) {
    this.#gatekeeper = gatekeeper;
    this.#log = log;
  }

  /** The `Set-Cookie` for who has shown a key; null where no key is asked for. Throws 401 when it is none. */
  start(key: string, client: Client): { principal: Principal; cookie: string | null } {
    const admission = this.#gatekeeper.admit({ key });
    if (admission.type === 'refused') {
      this.#log.warn({ address: client.address }, 'somebody tried to sign in with a wrong key');
      throw unauthenticated(admission.why);
    }
    const { principal } = admission;
    const session = this.#gatekeeper.startSession(key, Date.now() + sessionMs);
    if (session === null) return { principal, cookie: null };
    this.#log.info({ key: principal.name, address: client.address }, 'somebody signed in');
    return {
      principal: { ...principal, by: 'session' },
      cookie: setCookie(session, { seconds: sessionMs / 1000, isSecure: client.isSecure }),
    };
  }

  /** The `Set-Cookie` with which the browser forgets its session. */
  end({ isSecure }: Client): string {
    return setCookie('', { seconds: 0, isSecure });
  }
}
