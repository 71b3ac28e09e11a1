import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');
const environment = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
};

let installed: Promise<InstalledPackage> | undefined;

/** An empty project with nothing in it but the package as it would be published; one for all tests of this process. */
export async function installedPackage(): Promise<InstalledPackage> {
  installed ??= install();
  return await installed;
}

export class InstalledPackage {
  readonly directory: string;
  readonly tarball: string;
  /** What is in the tarball. */
  readonly files: readonly string[];

  constructor(directory: string, tarball: string, files: readonly string[]) {
    this.directory = directory;
    this.tarball = tarball;
    this.files = files;
  }

  /** Where npm has put it. */
  get packageDirectory(): string {
    return join(this.directory, 'node_modules', 'temjob');
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.directory, file), text);
  }

  /** Type-checks a file as strictly as a user may. Rejects with what the compiler says. */
  async check(file: string): Promise<void> {
    const options = ['--strict', '--noEmit', '--allowImportingTsExtensions'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
    const module = [
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable',
    ];
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    await run(tsc, [...options, ...types, ...module, file], this.directory);
  }

  /** Runs a file and resolves with what it prints. */
  async run(
    file: string,
    env: Readonly<Record<string, string>>,
    ...args: string[]
  ): Promise<string> {
    return await run(process.execPath, [file, ...args], this.directory, env);
  }
}

async function install(): Promise<InstalledPackage> {
  const directory = await mkdtemp(join(tmpdir(), 'temjob-installed-'));
  temporary.push(directory);
  const packed = await run('npm', ['pack', '--json', '--pack-destination', directory], root);
  // The build may have printed something before it.
  const [tarball]: { filename: string; files: { path: string }[] }[] = JSON.parse(
    packed.slice(packed.search(/^\[$/m)),
  );
  if (tarball === undefined) throw new Error('npm has packed nothing');
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'empty-project', private: true, type: 'module' }),
  );
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--no-save'];
  const file = join(directory, tarball.filename);
  await run('npm', ['install', ...quietly, file], directory);
  return new InstalledPackage(
    directory,
    file,
    tarball.files.map(({ path }) => path),
  );
}

/** Runs a program in a directory and resolves with what it prints; rejects with all that it printed when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await exec(program, args, {
      cwd,
      env: { ...environment, ...env },
      timeout: 120_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error)) throw error;
    throw new Error(
      `${program} ${args.join(' ')}:\n${String(error.stdout)}${String(error.stderr)}`,
      {
        cause: error,
      },
    );
  }
}

const temporary: string[] = [];

// A root hook: whoever imports this file first is loaded by mocha outside of every suite.
after(async () => {
  for (const directory of temporary) await rm(directory, { recursive: true, force: true });
});
