import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { expect } from 'chai';

import { Gatekeeper } from '#http/auth/gatekeeper.ts';

import { doorOptions, readConfig } from '../../src/runtime/config.ts';
import { TempDir } from '../dev/temp-dir.ts';

describe('docs/security.md', () => {
  it('shows configurations that are taken as they stand, and mean what is said', async () => {
    const text = await readFile(resolve(import.meta.dirname, '../../docs/security.md'), 'utf8');
    await using dir = await TempDir.create();
    const doors = [];
    for (const [, yaml = ''] of text.matchAll(/^```yaml\n(.*?)^```$/gms)) {
      const file = dir.join('temjob.yaml');
      await writeFile(file, yaml);
      const { config, notes } = readConfig({ file, env: {} });
      expect(notes).to.deep.equal([]);
      doors.push(doorOptions(config));
    }
    const [withKey, behindProxy] = doors;
    if (withKey === undefined || behindProxy === undefined) throw new Error('there are two');
    expect(new Gatekeeper(withKey).admit({ key: 'test' })).to.deep.include({
      type: 'admitted',
      principal: { name: 'ci', scopes: ['read', 'operate'], by: 'key' },
    });
    expect(withKey.rateLimit).to.deep.equal({ requests: 600, windowMs: 10_000 });
    expect(behindProxy).to.deep.include({
      trustedProxies: ['10.0.0.0/8'],
      allowedOrigins: ['https://ops.example.com'],
      maxConnections: 10_000,
    });
  });
});
