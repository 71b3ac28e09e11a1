export type Scope = 'read' | 'operate' | 'admin';

/** Who looks at the console, as the server sees it. */
export interface Who {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly authentication: 'none' | 'key' | 'session';
  /** The cluster runs on a developer's machine: there is a playground. */
  readonly dev: boolean;
}

/** When the server did not say: what is not allowed it refuses by itself. */
export const anybody: Who = {
  name: '',
  scopes: ['read', 'operate', 'admin'],
  authentication: 'none',
  dev: false,
};

export function may(who: Who, scope: Scope): boolean {
  const rank = ['read', 'operate', 'admin'] as const;
  return who.scopes.some((has) => rank.indexOf(has) >= rank.indexOf(scope));
}
