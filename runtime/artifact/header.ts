// The header of an artifact: read, and checked so that nothing behind this file has to.

import {
  type ArtifactHeader,
  artifactAlign,
  artifactHeaderTable,
  artifactVersion,
  type BlobEntry,
  byteSize,
  elementTypes,
  FormatError,
  type FunctionEntry,
  hashOf,
  headerSize,
  identifier,
  noBlob,
  type PortEntry,
  type ProgramEntry,
  type TensorEntry,
  type TensorType,
} from '../../ir/plan.ts';
import { readTable } from './table.ts';

/** A larger header is none. */
const MOST_HEADER = 2 ** 26;
/** More elements than a tensor can have anywhere. */
const MOST_ELEMENTS = 2 ** 31;

export const fail = (why: string, fix = 'build or download the file again'): never => {
  throw new FormatError(why, { op: 'artifact', fix });
};
const need = (ok: boolean, why: string): void => {
  if (!ok) fail(`the header is damaged: ${why}`);
};

/** Bytes of the header that its first four say: the table, its hash, and what fills up to the data. */
export function headerBytes(prefix: Uint8Array): number {
  const n = new DataView(prefix.buffer, prefix.byteOffset, 4).getUint32(0, true);
  if (n < 8 || n > MOST_HEADER)
    fail(`it is no artifact: its header would have ${n} bytes`, 'give what sinter build wrote');
  return headerSize(n);
}

/** The IR's type of a tensor. */
export const typeOf = ({ type, shape }: TensorEntry): TensorType => ({ dtype: elementTypes[type], shape });
const elements = (t: TensorEntry): number => t.shape.reduce((n, d) => n * d, 1);
export const bytesOf = (t: TensorEntry): number => elements(t) * byteSize(elementTypes[t.type]);

/**
 * The header in a file's first `headerBytes` bytes.
 * Throws FormatError where it is damaged, of another version, or says what cannot be.
 */
export function readHeader(bytes: Uint8Array): ArtifactHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const n = view.getUint32(0, true);
  const table = bytes.subarray(4, 4 + n);
  const name = String.fromCharCode(...table.subarray(4, 8));
  if (name !== identifier)
    fail(
      `it is no artifact: it says '${name.replaceAll(/[^ -~]/g, '?')}', not '${identifier}'`,
      'give what sinter build wrote',
    );
  if (hashOf(table) !== view.getUint32(4 + n, true)) fail('the checksum of the header is wrong');
  const a = readTable(table, artifactHeaderTable);
  if (a.version !== artifactVersion)
    fail(
      `its version is ${a.version}, this runtime reads ${artifactVersion}`,
      'build it again, or take the runtime that it was built with',
    );
  check(a);
  return a;
}

function check(a: ArtifactHeader): void {
  const { blobs, shards } = a;
  for (const b of blobs) need(b.offset % artifactAlign === 0 && b.shard <= shards.length, `a blob at ${b.offset}`);
  for (const { name } of shards)
    need(/^[\w.-]{1,200}$/.test(name) && !name.startsWith('.'), `a shard '${name.slice(0, 40)}'`);
  const blob = (i: number): BlobEntry => {
    need(i < blobs.length, `there is no blob ${i}`);
    return blobs[i];
  };
  for (const s of a.states) {
    const t = checkTensor(s.tensor);
    need(
      s.blob === noBlob || blob(s.blob).size === bytesOf(t),
      `the Variable '${t.name}' has other bytes than its shape`,
    );
  }
  for (const m of a.modules) blob(m.blob);
  need(new Set(a.functions.map((f) => f.name)).size === a.functions.length, 'two functions of one name');
  for (const f of a.functions) {
    for (const s of f.states) need(s < a.states.length, `there is no Variable ${s}`);
    if (f.details !== noBlob) blob(f.details);
    checkPorts(f);
    const programs = [f.wasm, f.relaxed, f.webgpu].filter((p) => p !== undefined);
    need(programs.length > 0, `the function '${f.name}' has no program`);
    for (const p of programs) checkProgram(f, p, blob);
    if (f.webgpu) blob(f.webgpu.plan);
  }
}

function checkTensor(t: TensorEntry | undefined): TensorEntry {
  if (!t || t.type >= elementTypes.length || elements(t) > MOST_ELEMENTS)
    return fail('the header is damaged: a tensor without dtype, or larger than any can be');
  return t;
}

function checkPorts({ inputs, outputs, bound, name }: FunctionEntry): void {
  for (const { tensor, scale } of [...inputs, ...outputs]) {
    const { shape } = checkTensor(tensor);
    need(scale === 0 || (bound > 0 && shape[0] === scale * bound), `an open batch of '${name}' that is none`);
  }
  if (!bound) return;
  const last = inputs[inputs.length - 1]?.tensor;
  need(
    last !== undefined && elementTypes[last.type] === 'i32' && last.shape.length === 0,
    `'${name}' has no batch size`,
  );
  need(
    inputs.some((p) => p.scale > 0),
    `the batch of '${name}' follows from no input`,
  );
}

function checkProgram(f: FunctionEntry, p: ProgramEntry, blob: (i: number) => BlobEntry): void {
  const staged = (ports: readonly PortEntry[], places: readonly number[]): void => {
    need(ports.length === places.length, `'${f.name}' has ${ports.length} tensors at ${places.length} places`);
    ports.forEach(({ tensor }, i) => {
      const end = places[i] + bytesOf(tensor as TensorEntry);
      need(places[i] % artifactAlign === 0 && end <= p.arena, `a tensor of '${f.name}' outside of its memory`);
    });
  };
  staged(f.inputs, p.inputs);
  staged(f.outputs, p.outputs);
  for (const c of p.constants) {
    const end = c.offset + blob(c.blob).size;
    need(c.offset % 4 === 0 && end <= p.constantBytes, `a constant of '${f.name}' outside of its memory`);
  }
}
