// Graphs of a few bytes that ask for more than fits into memory.

import * as tf from 'sinter';
import { expect, it } from 'vitest';

it('refuses graphs whose nodes say that they have very many results', async () => {
  const node = [
    { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '2' }] } } } },
    ...Array.from({ length: 2000 }, (_, i) => ({
      name: `n${i}`,
      op: 'Unpack',
      input: ['x'],
      attr: { T: { type: 'DT_FLOAT' }, num: { i: '2000000000' }, axis: { i: '0' } },
    })),
  ];
  const load = tf.loadGraphModel(
    tf.io.fromMemory({ modelTopology: { node }, weightSpecs: [], weightData: new ArrayBuffer(0) }),
  );
  await expect(load).rejects.toBeInstanceOf(tf.FormatError);
  await expect(load).rejects.toThrow(/results/);
});
