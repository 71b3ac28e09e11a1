import { expect } from 'chai';
import { z } from 'zod';

import { ClusterError } from '#cluster/api.ts';
import { workflow } from '#sdk/index.ts';

import { startCluster } from '../support/cluster.ts';

const parcel = workflow('parcel', {
  input: z.object({ to: z.string(), weight: z.number().default(1) }),
})
  .task('send', { run: ({ to, weight }) => ({ sent: `${weight} kg to ${to}` }) })
  .build();

describe('a start through a node that does not have the code', () => {
  it('is checked by the schema that is stored with the definition, and given its defaults', async () => {
    await using cluster = await startCluster({ definitions: [parcel] });
    const other = await cluster.join({ definitions: [] });

    const refusal = await other.api
      .start({ name: 'parcel', input: { to: 7 } })
      .catch((error: unknown) => error);
    const { id } = await other.api.start({ name: 'parcel', input: { to: 'Ulm' } });
    const { workflow: ended } = await other.api.result(id, 20_000);

    expect(refusal).to.be.instanceOf(ClusterError).and.include({ code: 'INVALID_INPUT' });
    expect(refusal).to.have.nested.property('problems[0].pointer', '/input/to');
    expect(ended.output).to.deep.include({ weight: 1, sent: '1 kg to Ulm' });
  });
});
