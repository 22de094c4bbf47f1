// The HDF5 reader against files of h5py in old and new layouts, and the writer against libhdf5 (h5wasm).

import { readFileSync } from 'node:fs';
import * as h5wasm from 'h5wasm';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { openHdf5 } from '../../frontends/io/hdf5/file.ts';
import { encodeHdf5 } from '../../frontends/io/hdf5/write.ts';

const count = (n: number) => Array.from({ length: n }, (_, i) => i);

describe.each(['old', 'latest'])('a file of h5py, %s layout', (name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`./keras/${name}.h5`, import.meta.url)));
  const root = openHdf5(bytes, { op: 'test', file: name });
  it('has groups and texts, few and many', () => {
    expect(
      root
        .keys()
        .filter((k) => k.startsWith('group'))
        .sort(),
    ).toEqual(count(12).map((i) => `group${String(i).padStart(3, '0')}`));
    const texts = root.texts();
    expect([texts.get('names'), texts.get('fixed'), texts.get('empty')]).toEqual([['x', 'yy'], ['fix'], []]);
    expect(texts.get('big')?.[0].length).toBe(70_000);
    expect(root.get('group000')?.texts().get('attr39')).toEqual(['välue 0 39']);
    expect(root.get('group003')?.texts().get('weight_names')).toEqual(['a3/kernel:0', 'b']);
    expect(root.get('group000')?.keys().length).toBe(12);
    expect(root.get('group000/nothing')).toBe(undefined);
  });
  it('has numbers of all kinds, whole, in chunks and compressed', () => {
    const at = (key: string) => [...(root.get(key)?.tensor().dataSync() ?? [])];
    expect(at('group000/d11')).toEqual([11, 12, 13, 14, 15, 16]);
    for (const key of ['gz', 'ch', 'one']) expect(at(key)).toEqual(count(1000));
    const small = { sc: [3], be: [0, 1, 2], h: [1, 2.5], bl: [1, 0], i64: [1, -2], u8: [1, 200], em: [] };
    for (const [key, want] of Object.entries(small)) expect(at(key)).toEqual(want);
    expect(root.get('bl')?.tensor().dtype).toBe('bool');
    expect(() => root.get('c8')?.tensor()).toThrow(tf.FormatError);
  });
});

it('what is written, libhdf5 reads', async () => {
  const bytes = await encodeHdf5({
    attributes: { a: 'é', big: 'z'.repeat(100_000), list: ['x', 'yy', ''], many: count(5000).map((i) => `n${i}`) },
    groups: { g: { datasets: Object.fromEntries(count(300).map((i) => [String(i), tf.tensor([[i, 2]])])) } },
    datasets: {
      s: tf.scalar(3, 'int32'),
      b: tf.tensor([true, false], [2], 'bool'),
      d: tf.tensor([1.5], [1], 'float64'),
      z: tf.zeros([0, 3]),
      u: tf.tensor([7], [1], 'uint32'),
    },
  });
  const { FS } = await h5wasm.ready;
  FS.writeFile('/written.h5', bytes);
  const file = new h5wasm.File('/written.h5', 'r');
  const value = (key: string) => Array.from((file.get(key) as h5wasm.Dataset).value as ArrayLike<number>);
  expect(file.attrs.a.value).toBe('é');
  expect((file.attrs.big.value as string).length).toBe(100_000);
  expect(file.attrs.list.value).toEqual(['x', 'yy', '']);
  expect((file.attrs.many0.value as string[]).length).toBe(2000);
  expect(value('g/299')).toEqual([299, 2]);
  expect(value('d')).toEqual([1.5]);
  expect(value('u')).toEqual([7]);
  expect((file.get('s') as h5wasm.Dataset).value).toBe(3);
  expect((file.get('z') as h5wasm.Dataset).shape).toEqual([0, 3]);
  file.close();
  FS.unlink('/written.h5');
});
