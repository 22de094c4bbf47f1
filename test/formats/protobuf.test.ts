// Protocol buffers by table: what is written is read again; the bytes are those of the format's definition; damage is a
// typed error.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../frontends/formats/protobuf.ts';
import { FormatError } from '../../ir/errors.ts';

const schema = {
  All: {
    double: [1, 'double'],
    float: [2, 'float'],
    int32: [3, 'int32'],
    int64: [4, 'int64'],
    uint32: [5, 'uint32'],
    uint64: [6, 'uint64'],
    sint32: [7, 'sint32'],
    sint64: [8, 'sint64'],
    fixed32: [9, 'fixed32'],
    fixed64: [10, 'fixed64'],
    sfixed32: [11, 'sfixed32'],
    sfixed64: [12, 'sfixed64'],
    bool: [13, 'bool'],
    text: [14, 'string'],
    data: [15, 'bytes'],
    numbers: [16, 'int64', 'repeated'],
    floats: [17, 'float', 'repeated'],
    texts: [18, 'string', 'repeated'],
    child: [19, 'All'],
    children: [20, 'All', 'repeated'],
    byName: [21, 'All', 'map<string>'],
    byNumber: [22, 'string', 'map<uint32>'],
  },
} as const;

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((x) => {
  const n = Number(x);
  return Number.isSafeInteger(n) ? n : x;
});
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((x) => (x < 2n ** 53n ? Number(x) : x));
const scalars = {
  double: fc.double(),
  float: fc.float(),
  int32: fc.integer(),
  int64,
  uint32: fc.nat(0xffffffff),
  uint64,
  sint32: fc.integer(),
  sint64: int64,
  fixed32: fc.nat(0xffffffff),
  fixed64: uint64,
  sfixed32: fc.integer(),
  sfixed64: int64,
  bool: fc.boolean(),
  text: fc.string({ unit: 'binary' }),
  data: fc.uint8Array(),
};
const lists = {
  numbers: fc.array(int64),
  floats: fc.array(fc.float()),
  texts: fc.array(fc.string({ unit: 'binary' })),
  byNumber: fc.array(fc.tuple(fc.nat(0xffffffff), fc.string())).map((e) => new Map(e)),
};
const leaf = fc.record(
  { ...scalars, ...lists, children: fc.constant([]), byName: fc.constant(new Map()) },
  { requiredKeys: ['numbers', 'floats', 'texts', 'byNumber', 'children', 'byName'] },
);
const message = fc
  .tuple(leaf, leaf, fc.array(leaf, { maxLength: 3 }), fc.array(fc.tuple(fc.string(), leaf), { maxLength: 3 }))
  .map(([m, child, children, entries]) => ({ ...m, child, children, byName: new Map(entries) }));

const read = (bytes: Uint8Array) => decodeMessage(schema, 'All', bytes, 'test');
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('protocol buffers', () => {
  test('what is written is read again', () => {
    fc.assert(
      fc.property(message, (m) => {
        expect(read(encodeMessage(schema, 'All', m))).toEqual(m);
      }),
      { numRuns: 200 },
    );
  });

  test("the bytes are those of the format's guide", () => {
    // 150 is 96 01; "testing" is 07 and its letters; -1 as int64 takes ten bytes.
    expect(encodeMessage(schema, 'All', { int32: 150 })).toEqual(bytes('18 9601'));
    expect(encodeMessage(schema, 'All', { text: 'testing' })).toEqual(bytes('72 07 74657374696e67'));
    expect(encodeMessage(schema, 'All', { int64: -1 })).toEqual(bytes('20 ffffffffffffffffff01'));
    expect(encodeMessage(schema, 'All', { sint32: -2 })).toEqual(bytes('38 03'));
    expect(encodeMessage(schema, 'All', { numbers: [3, 270, 86942] })).toEqual(bytes('8201 06 03 8e02 9ea705'));
    expect(encodeMessage(schema, 'All', { byNumber: new Map([[7, 'a']]) })).toEqual(bytes('b201 05 0807 120161'));
  });

  test('numbers that repeat may be packed, or not, or both', () => {
    expect(read(bytes('8201 02 0304 8001 05')).numbers).toEqual([3, 4, 5]);
  });

  test('a message in parts is put together; the last scalar counts; missing parts of entries have their defaults', () => {
    expect(read(bytes('9a01 02 1801 9a01 02 2802 9a01 02 1803')).child).toMatchObject({ int32: 3, uint32: 2 });
    expect(read(bytes('b201 00')).byNumber).toEqual(new Map([[0, '']]));
    expect(read(bytes('aa01 00')).byName.get('')).toMatchObject({ numbers: [], children: [] });
  });

  test('unknown fields and groups are skipped', () => {
    expect(read(bytes('b806 01 c306 0801 cb06 cc06 c406 1805'))).toMatchObject({ int32: 5 });
  });

  test('bytes are views', () => {
    const file = encodeMessage(schema, 'All', { data: Uint8Array.of(1, 2, 3) });
    expect(read(file).data?.buffer).toBe(file.buffer);
  });

  test.each([
    ['cut off', '72 07 7465'],
    ['a length beyond the message around it', '9a01 02 7205 6161616161'],
    ['a field beyond its message', '9a01 01 1896 01'],
    ['a varint without end', '18 ffffffffffffffffffffffff'],
    ['another wire type', '19 0000000000000000'],
    ['packed numbers that go on', '8201 01 96 01'],
    ['a group without end', 'c306 0801'],
    ['a field of number 0', '00 01'],
    ['text that is not UTF-8', '72 01 ff'],
    ['a huge length', '7a ffffffff0f'],
  ])('damage: %s', (_, hex) => {
    expect(() => read(bytes(hex))).toThrow(FormatError);
  });

  test('messages and groups that nest deeply are refused', () => {
    let deep: Uint8Array = new Uint8Array();
    for (let i = 0; i < 2000; i++) {
      const length = deep.length < 128 ? [deep.length] : [(deep.length & 127) | 128, deep.length >> 7];
      deep = Uint8Array.from([0x9a, 0x01, ...length, ...deep]);
    }
    expect(() => read(deep)).toThrow(/nest deeper/);
    expect(() => read(new Uint8Array(100_000).fill(0xcb))).toThrow(FormatError);
  });

  test('any bytes are read or refused with a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (b) => {
        try {
          read(b);
        } catch (e) {
          expect(e).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
