import { type EntityManager, MikroORM, type Options } from '@mikro-orm/mysql';

import { type Address } from './address.ts';
import { ActorEntity } from './entities.ts';
import { connectionOptions, prepareSessions } from './pool.ts';

export type { EntityManager };

/**
 * MikroORM over the entities of this folder. Importing it costs 170 to 350 ms of a core, so this file is imported when its
 * first user needs it (`store.ts`), never on the way to the first commit.
 */
export async function openOrm(
  address: Address,
  poolSize: number,
  more: Partial<Options> = {},
): Promise<MikroORM> {
  const { host, port, user, password, database, ...rest } = connectionOptions(address);
  const orm = await MikroORM.init({
    host,
    port,
    user,
    password,
    dbName: database,
    driverOptions: rest,
    pool: { min: 0, max: poolSize },
    entities: [ActorEntity],
    charset: 'utf8mb4',
    collate: 'utf8mb4_bin',
    metadataCache: { enabled: false },
    ensureDatabase: false,
    logger: () => {},
    forceUtcTimezone: true,
    ...more,
  });
  prepareSessions(await nativePool(orm.em), lockWaitSeconds);
  return orm;
}

/** The mysql2 pool under an entity manager. */
export async function nativePool(em: EntityManager) {
  return await em.getConnection().getNativeClient();
}

const lockWaitSeconds = 5;
