import { readFile, writeFile } from 'node:fs/promises';

/**
 * Adds to package-lock.json what a registry mirror without other platforms' binaries makes npm leave out: the optional
 * packages of those platforms. Without them `npm ci` takes the lockfile for outdated and refuses it, on every platform.
 * Run it after each change of dependencies: `npm run lockfile`. Does nothing when nothing is missing.
 */
const file = new URL('../package-lock.json', import.meta.url);
const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = [
  'arm64',
  'x64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
];

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { packages: Record<string, Entry> } = JSON.parse(await readFile(file, 'utf8'));
const missing: Record<string, Entry> = {};
for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const isThere = Object.keys(lock.packages).some((path) =>
      path.endsWith(`node_modules/${name}`),
    );
    if (!isThere) missing[`node_modules/${name}`] = entryOf(name, version, dev === true);
  }
}
const [root, ...packages] = Object.entries({ ...lock.packages, ...missing });
if (root === undefined) throw new Error('package-lock.json is empty');
packages.sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries([root, ...packages]);
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${Object.keys(missing).length} packages of other platforms added`);

function entryOf(name: string, version: string, dev: boolean): Entry {
  const words = name.split(/[/-]/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.filter((processor) => words.includes(processor));
  if (!/^\d+\.\d+\.\d+/.test(version) || cpu.length === 0) {
    throw new Error(`${name}@${version}: cannot tell its version and platform`);
  }
  return {
    version,
    cpu,
    ...(dev ? { dev } : {}),
    optional: true,
    ...(os.length === 0 ? {} : { os }),
  };
}
