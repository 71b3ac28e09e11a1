import {
  definitionWithVersions,
  definitionList,
  definitionPath,
  definitionQuery,
} from '../schemas/definitions.ts';
import { route } from './route.ts';

const list = route({
  method: 'get',
  path: '/api/v1/definitions',
  id: 'listDefinitions',
  tag: 'Definitions',
  scope: 'read',
  summary: 'Lists the newest version of each definition',
  takes: {},
  gives: { 200: { what: 'The definitions.', body: definitionList } },
  handle: async (_call, { cluster }) => ({
    status: 200,
    body: { definitions: await cluster.definitions() },
  }),
});

const show = route({
  method: 'get',
  path: '/api/v1/definitions/{name}',
  id: 'getDefinition',
  tag: 'Definitions',
  scope: 'read',
  summary: 'Shows one version of a definition, and which there are',
  takes: { path: definitionPath, query: definitionQuery },
  gives: { 200: { what: 'The definition.', body: definitionWithVersions } },
  refuses: ['UNKNOWN_DEFINITION'],
  handle: async ({ path, query }, { cluster }) => {
    const [graph, versions] = await Promise.all([
      cluster.definition(path.name, query.version),
      cluster.definitionVersions(path.name),
    ]);
    return { status: 200, body: { ...graph, versions } };
  },
});

export const definitionRoutes = [list, show];
