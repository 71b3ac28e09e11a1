import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';

/** A change of the schema. Once released it is never edited; a new one is added at the end. */
export interface ListedMigration {
  readonly name: string;
  /** Loaded when it must run: a database that is current costs no import of MikroORM. */
  readonly load: () => Promise<Constructor<Migration>>;
}

/** All migrations, in order; named here one by one, so that they are found in a build too. */
export const migrations: readonly ListedMigration[] = [
  { name: '0001-initial', load: async () => (await import('./0001-initial.ts')).Initial },
  { name: '0002-search', load: async () => (await import('./0002-search.ts')).Search },
];

export const migrationTable = 'migration';
