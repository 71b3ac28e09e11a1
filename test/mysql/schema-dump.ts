import type { Connection, RowDataPacket } from 'mysql2/promise';

/** The tables of the connection's database in words that MariaDB and MySQL share. */
export async function dumpSchema(connection: Connection): Promise<string> {
  const [columns] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS t, column_name AS name, column_type AS type, is_nullable AS nullable,
       collation_name AS collation, extra
     FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
  );
  const [keys] = await connection.query<RowDataPacket[]>(
    `SELECT table_name AS t, index_name AS name, GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', ') AS columns
     FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name
     ORDER BY table_name, index_name`,
  );
  const tables = [...new Set(columns.map((column) => String(column['t'])))].filter(
    // MikroORM's own.
    (table) => table !== 'migration',
  );
  return tables
    .map((table) => {
      const lines = [
        ...columns.filter((column) => column['t'] === table).map(columnLine),
        ...keys.filter((key) => key['t'] === table).map(keyLine),
      ];
      return `CREATE TABLE ${table} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n);\n`;
    })
    .join('\n');
}

function columnLine(column: RowDataPacket): string {
  // MariaDB still tells how wide an integer would be shown.
  const type = String(column['type']).replace(/(int)\(\d+\)/, '$1');
  const collate = column['collation'] === null ? '' : ` COLLATE ${column['collation']}`;
  const nullable = column['nullable'] === 'YES' ? '' : ' NOT NULL';
  return `${column['name']} ${type}${collate}${nullable}`;
}

function keyLine(key: RowDataPacket): string {
  const name = key['name'] === 'PRIMARY' ? 'PRIMARY KEY' : `KEY ${key['name']}`;
  return `${name} (${key['columns']})`;
}
