import { writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import {
  ConfigError,
  mysqlUrl,
  namedServers,
  readConfig,
  redisUrl,
} from '../../src/runtime/config.ts';
import { TempDir } from '../dev/temp-dir.ts';

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({ env: {} });

    expect(config.server).to.deep.equal({ host: '127.0.0.1', port: 8088 });
    expect(redisUrl(config)).to.equal('redis://127.0.0.1:6379/0');
    expect(mysqlUrl(config)).to.equal('mysql://root@127.0.0.1:3306/temjob');
    expect(config.engine.drain_grace).to.equal(25_000);
  });

  it('lays the file over the defaults, and the environment over the file', async () => {
    await using dir = await TempDir.create();
    const file = dir.join('config.yaml');
    await writeFile(
      file,
      'server:\n  port: 9000\n  host: localhost\nworker:\n  cancel_grace: 2s\n',
    );

    const config = readConfig({ file, env: { TEMJOB__SERVER__PORT: '9001' } });

    expect(config.server).to.deep.equal({ host: 'localhost', port: 9001 });
    expect(config.worker.cancel_grace).to.equal(2_000);
  });

  it('escapes passwords in the URLs that it makes of parts', () => {
    const config = readConfig({
      env: { TEMJOB__REDIS__PASSWORD: 'a@b', TEMJOB__DATABASE__MYSQL__PASSWORD: 'p/w' },
    });

    expect(redisUrl(config)).to.equal('redis://:a%40b@127.0.0.1:6379/0');
    expect(mysqlUrl(config)).to.equal('mysql://root:p%2Fw@127.0.0.1:3306/temjob');
  });

  it('knows which servers somebody has named, by a URL, a host or a port', () => {
    expect(named({ TEMJOB__REDIS__PREFIX: 'mine:', TEMJOB__REDIS__URL: '' })).to.deep.equal({});
    expect(named({ TEMJOB__REDIS__URL: 'redis://there' })).to.deep.equal({
      redis: 'redis://there',
    });
    expect(named({ TEMJOB__REDIS__PORT: '7000' })).to.deep.equal({
      redis: 'redis://127.0.0.1:7000/0',
    });
    expect(
      named({ TEMJOB__DATABASE__MYSQL__HOST: 'db', TEMJOB__DATABASE__MYSQL__USER: 'me' }),
    ).to.deep.equal({ mysql: 'mysql://me@db:3306/temjob' });
  });

  it('names an unknown key and the one that was meant', () => {
    expect(() => readConfig({ env: { TEMJOB__WORKER__CONCURENCY: '3' } }))
      .to.throw(ConfigError)
      .with.property('message')
      .that.includes('worker.concurency')
      .and.includes('Did you mean "concurrency"?');
  });

  it('names every value that is wrong, with its path', () => {
    const wrong = { TEMJOB__SERVER__PORT: 'http', TEMJOB__ENGINE__RETENTION: 'for ever' };

    expect(() => readConfig({ env: wrong }))
      .to.throw(ConfigError)
      .with.property('message')
      .that.includes('server.port')
      .and.includes('engine.retention');
  });

  it('says which file cannot be read, and which is not YAML', async () => {
    await using dir = await TempDir.create();
    const broken = dir.join('broken.yaml');
    await writeFile(broken, 'server: [');

    expect(() => readConfig({ file: dir.join('none.yaml'), env: {} })).to.throw(
      ConfigError,
      'none.yaml',
    );
    expect(() => readConfig({ file: broken, env: {} })).to.throw(ConfigError, 'not YAML');
  });
});

function named(env: Record<string, string>) {
  return namedServers(readConfig({ env }));
}
