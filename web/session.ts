import { api, ApiError, signInWith } from './api.ts';
import { anybody, type Who } from './who.ts';

/**
 * Who looks at the console. Whatever is told by the server that it does not know who asks, a call or the live connection, waits
 * here until somebody has signed in, and then goes on: nothing that was written on a page is lost.
 */
export class Session {
  #who: Who | null = null;
  #asking: Promise<void> | null = null;

  readonly #spoken: Promise<void>;

  /** Nothing is asked before the texts are there. */
  constructor(spoken: Promise<void>) {
    this.#spoken = spoken;
    signInWith(async () => await this.signIn());
  }

  /** Asks the server, and whoever is there when it does not know. */
  async begin(): Promise<Who> {
    try {
      this.#who = await api.whoami();
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof TypeError)) throw error;
      // Without an answer the pages say what is wrong, each at its place.
      if (!(error instanceof ApiError && error.status === 401)) return anybody;
      await this.signIn();
    }
    // It was the page of the API that somebody wanted who had to sign in first.
    if (window.location.search === '?then=docs') window.location.replace('/docs');
    return this.#who ?? anybody;
  }

  /** Resolves when somebody has signed in; asked for by many at once, it asks once. */
  async signIn(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const [{ askForKey }] = await Promise.all([import('./pages/login.ts'), this.#spoken]);
    const before = this.#who;
    this.#who = await askForKey();
    // The pages that are open were drawn for somebody else.
    if (before !== null && before.name !== this.#who.name) window.location.reload();
  }
}

/** Ends the session of this browser, and shows where to begin another. */
export async function signOut(): Promise<void> {
  await api.signOut();
  window.location.reload();
}
