import { type EntityManager, MikroORM, type Options } from '@mikro-orm/mysql';

import { type Address } from './address.ts';
import { ActorEntity } from './entities.ts';
import { connectionOptions, Pool, type PoolOptions } from './pool.ts';

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
  return await MikroORM.init({
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
}

/** The connections under MikroORM, for the statements that it has no words for. To be asked for before any of them is used. */
export async function poolOf(
  orm: MikroORM,
  size: number,
  options: PoolOptions = {},
): Promise<Pool> {
  return new Pool(await orm.em.getConnection().getNativeClient(), size, options);
}
