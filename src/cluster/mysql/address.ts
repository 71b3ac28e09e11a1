/** Where a MySQL server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly socketPath?: string;
  readonly ssl?: { readonly rejectUnauthorized: boolean };
}

/** `mysql://user:password@host:port/database?socketPath=…&ssl=true`; throws a TypeError that says what is wrong with it. */
export function parseAddress(text: string): Address {
  if (!URL.canParse(text)) throw new TypeError('the MySQL URL cannot be parsed');
  const url = new URL(text);
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') {
    throw new TypeError(`the MySQL URL must begin with mysql://, not ${url.protocol}//`);
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw new TypeError('the MySQL URL names no database: add /name');
  const socketPath = url.searchParams.get('socketPath');
  return {
    host: url.hostname || 'localhost',
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username) || 'root',
    password: decodeURIComponent(url.password),
    database,
    ...(socketPath === null ? {} : { socketPath }),
    ...sslOf(url.searchParams.get('ssl')),
  };
}

/** For people: without user and password. */
export function describeAddress(address: Address): string {
  return `${address.socketPath ?? `${address.host}:${address.port}`}, database ${address.database}`;
}

function sslOf(value: string | null): Pick<Address, 'ssl'> {
  switch (value) {
    case null:
    case 'false':
      return {};
    case 'true':
      return { ssl: { rejectUnauthorized: true } };
    case 'no-verify':
      return { ssl: { rejectUnauthorized: false } };
    default:
      throw new TypeError(`ssl in the MySQL URL must be true, false or no-verify, not ${value}`);
  }
}
