import { join } from 'node:path';

import { findMysql } from './binaries.ts';
import { createMysqlData } from './mysql-data.ts';
import { mysqlProgram } from './mysql-program.ts';
import type { ServerPlaces, ServerProgram } from './server-program.ts';

/** A MariaDB or MySQL server on a unix socket alone, with an empty password for root and a database `temjob`. */
export async function mysqlServer(places: ServerPlaces): Promise<ServerProgram> {
  const binary = await findMysql();
  // It takes 60 ms to load, while the server starts.
  const driver = import('mysql2/promise');
  // Each product has a directory of its own: neither reads the other's.
  const data = join(places.dataDir, binary.product.toLowerCase());
  const program = mysqlProgram({ binary, data, places, driver });
  return {
    ...program,
    prepare: (warden) => createMysqlData({ binary, data, places, driver, warden }),
  };
}
