// Files that say more than they hold, or cost more than they are worth.

import { expect, it } from 'vitest';
import { concatBytes } from '../../frontends/bytes.ts';
import * as tf from '../../frontends/index.ts';

/** An archive of one deflated file of `packed` zeros that says, in 64 bits, that it becomes `size` bytes. */
function archive(packed: number, size: bigint): Uint8Array {
  const name = new TextEncoder().encode('a.npy');
  const local = new Uint8Array(30 + name.length + packed);
  const entry = new Uint8Array(46 + name.length + 12);
  const end = new Uint8Array(22);
  const [l, e, z] = [local, entry, end].map((x) => new DataView(x.buffer));
  l.setUint32(0, 0x04034b50, true);
  l.setUint16(26, name.length, true);
  e.setUint32(0, 0x02014b50, true);
  e.setUint16(10, 8, true);
  e.setUint32(20, packed, true);
  e.setUint32(24, 0xffffffff, true);
  e.setUint16(28, name.length, true);
  e.setUint16(30, 12, true);
  entry.set(name, 46);
  e.setUint16(46 + name.length, 1, true);
  e.setUint16(48 + name.length, 8, true);
  e.setBigUint64(50 + name.length, size, true);
  z.setUint32(0, 0x06054b50, true);
  z.setUint16(10, 1, true);
  z.setUint32(12, entry.length, true);
  z.setUint32(16, local.length, true);
  return concatBytes([local, entry, end]);
}

it('refuses archives of what fits into no memory', async () => {
  // The most that so many bytes could become, and more than an array can have.
  const packed = 12_000_000;
  const wide = tf.npz.load(archive(packed, BigInt(packed) * 1032n));
  await expect(wide).rejects.toBeInstanceOf(tf.FormatError);
}, 20_000);

it('reads YAML of many keys in time that grows with their number', async () => {
  const text = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n');
  const start = performance.now();
  await expect(tf.models.modelFromYAML(text)).rejects.toThrow(/describes no model/);
  // A second or two; the square of their number would be minutes.
  expect(performance.now() - start).toBeLessThan(20_000);
}, 60_000);

it('refuses YAML whose keys come twice, or are no text', async () => {
  await expect(tf.models.modelFromYAML('config: 1\nclass_name: a\nconfig: 2\n')).rejects.toThrow(/'config' twice/);
  await expect(tf.models.modelFromYAML('? [a, b]\n: 1\n')).rejects.toThrow(/keys that are no text/);
  await expect(tf.models.modelFromYAML(`a: ${'x'.repeat(2 ** 22)}`)).rejects.toThrow(/characters/);
});
