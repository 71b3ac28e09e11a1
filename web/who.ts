import { api, ApiError } from './api.ts';

export type Scope = 'read' | 'operate' | 'admin';

/** Who looks at the console, as the server sees it. */
export interface Who {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly authentication: 'none' | 'key' | 'session';
  /** The cluster runs on a developer's machine: there is a playground. */
  readonly dev: boolean;
}

const nobody: Who = { name: '', scopes: [], authentication: 'none', dev: false };

export async function askWho(): Promise<Who> {
  try {
    return await api.whoami();
  } catch (error) {
    // Without an answer the pages say what is wrong, each at its place.
    if (error instanceof ApiError || error instanceof TypeError) return nobody;
    throw error;
  }
}

export function may(who: Who, scope: Scope): boolean {
  const rank = ['read', 'operate', 'admin'] as const;
  return who.scopes.some((has) => rank.indexOf(has) >= rank.indexOf(scope));
}
