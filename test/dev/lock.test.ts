import { readdir, writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import { DirectoryInUseError, DirectoryLock } from '#dev/lock.ts';
import { identify } from '#dev/processes.ts';

import { Script } from './script.ts';
import { TempDir } from './temp-dir.ts';

describe('lock of a data directory', () => {
  it('is refused while somebody holds it, and says who', async () => {
    await using dir = await TempDir.create();
    await using _ = await DirectoryLock.take(dir.path);

    const refusal = await DirectoryLock.take(dir.path).catch((error: unknown) => error);

    expect(refusal).to.be.instanceOf(DirectoryInUseError);
    expect(String(refusal)).to.match(new RegExp(`process ${process.pid}.*To fix it, stop`));
  });

  it('is granted again after its release, which leaves nothing behind', async () => {
    await using dir = await TempDir.create();
    {
      await using _ = await DirectoryLock.take(dir.path);
    }
    expect(await readdir(dir.path)).to.deep.equal([]);
    await using _ = await DirectoryLock.take(dir.path);
  });

  it('is granted to one at most of many who ask at once', async () => {
    await using dir = await TempDir.create();

    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () => DirectoryLock.take(dir.path)),
    );

    const holders = answers.filter(({ status }) => status === 'fulfilled');
    expect(holders.length).to.be.at.most(1);
    expect((await readdir(dir.path)).filter((name) => name.endsWith('.held'))).to.have.length(
      holders.length,
    );
  });

  it('is taken over from a process that was killed', async () => {
    await using dir = await TempDir.create();
    await using holder = new Script('lock', { args: [dir.path] });
    await holder.prints(/held/);
    holder.kill();
    await holder.exit;

    await using _ = await DirectoryLock.take(dir.path);

    expect((await readdir(dir.path)).filter((name) => name.endsWith('.held'))).to.have.length(1);
  });

  it('is taken over when the pid of its process belongs to another one by now', async () => {
    await using dir = await TempDir.create();
    const living = { ...identify(process.pid), startedAt: 'another time' };
    await writeFile(dir.join('lock.1-abc'), JSON.stringify(living));
    await writeFile(dir.join('lock.1-abc.held'), '');

    await using _ = await DirectoryLock.take(dir.path);
  });

  it('is taken over from a file that a crash of the machine has left empty', async () => {
    await using dir = await TempDir.create();
    await writeFile(dir.join('lock.1-abc'), '');

    await using _ = await DirectoryLock.take(dir.path);
  });
});
