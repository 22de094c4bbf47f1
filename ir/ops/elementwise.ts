// The other element-wise primitives: selection, conversion, logical negation.

import { bits, sel, un } from '../kernel/expr.ts';
import { convertExpr } from '../kernel/storage.ts';
import { mapElements } from '../ndarray.ts';
import { defineComposite, defineOp, dtypeAttr, sample } from '../op.ts';
import { type DType, dtypes, isFloat, isInt, shapeEq, tensorType, typeEq, typeText } from '../types.ts';

defineOp({
  name: 'not',
  doc: 'Logical negation of booleans; bitwise complement of integers.',
  kind: 'elementwise',
  arity: 1,
  constraints: { not_c1: "the operand's dtype must be bool or an integer" },
  infer: (c) => {
    const { dtype } = c.inputs[0];
    c.check(dtype === 'bool' || isInt(dtype), 'not_c1', dtype, 'convert the operand first');
    return [c.inputs[0]];
  },
  scalar: ([x]) => un('not', x),
  grad: { none: 'its operand is not a float' },
  reference: ([x], _, [t]) => [mapElements(t.dtype, [x], (v) => (t.dtype === 'bool' ? +!v : ~v))],
  samples: [sample(['bool[3,5]'], {}, false), sample([['i32[9]', -9, 9]], {}, false)],
});

defineOp({
  name: 'select',
  doc: 'Where the first operand (bool) is true the second, else the third.',
  kind: 'elementwise',
  arity: 3,
  sameType: [1, 2],
  constraints: {
    select_c1: "the first operand's dtype must be bool",
    select_c2: 'the second and third operand must have one dtype',
    select_c3: 'all operands must have one shape',
  },
  infer: (c) => {
    const [p, x, y] = c.inputs;
    c.check(p.dtype === 'bool', 'select_c1', p.dtype);
    c.check(x.dtype === y.dtype, 'select_c2', `${x.dtype} and ${y.dtype}`, 'convert one of them');
    c.check(
      shapeEq(p.shape, x.shape) && shapeEq(x.shape, y.shape),
      'select_c3',
      c.inputs.map((t) => `[${t.shape}]`).join(', '),
    );
    return [x];
  },
  scalar: ([p, x, y]) => sel(p, x, y),
  grad: (b, n, [g]) => [
    null,
    n.needs[1] ? b.select(n.inputs[0], g, b.zerosLike(g)) : null,
    n.needs[2] ? b.select(n.inputs[0], b.zerosLike(g), g) : null,
  ],
  reference: (xs, _, [t]) => [mapElements(t.dtype, xs, (p, x, y) => (p ? x : y))],
  samples: [sample(['bool[3,5]', 'f32[3,5]', 'f32[3,5]']), sample(['bool[9]', 'i32[9]', 'i32[9]'], {}, false)],
});

/** Numbers at which conversions differ: halves, ends of the ranges, denormals and ties of float16. */
const edges = [
  0,
  -0,
  0.5,
  -0.5,
  1.999,
  -1.999,
  127,
  128,
  -128,
  -129,
  255,
  256,
  -1,
  300,
  65504,
  65519.996,
  65520,
  -65520,
  1e9,
  3e9,
  -3e9,
  4294967295,
  5e9,
  NaN,
  Infinity,
  -Infinity,
  2 ** -14,
  2 ** -24,
  2 ** -25,
  3 * 2 ** -26,
  1 + 2 ** -11,
  1 + 3 * 2 ** -11,
  1 + 2 ** -11 + 2 ** -40,
  6.1e-5,
  1e-8,
  2049,
  2051,
];
/** Every dtype to every other. */
const conversions = dtypes.flatMap((from) =>
  dtypes
    .filter((to) => to !== from)
    .map((to) => {
      const values = isFloat(from) || from === 'f16' ? edges : edges.filter(Number.isFinite);
      return sample([{ type: tensorType(from, [values.length]), values }], { dtype: to }, false);
    }),
);

defineOp({
  name: 'convert',
  doc: 'To another dtype. Float to integer truncates and saturates, NaN gives 0; to bool is x != 0. To i8 and u8: as to i32, and the low 8 bits of that (300 gives 44). To f16: the nearest, ties to even.',
  kind: 'elementwise',
  arity: 1,
  constraints: { convert_c1: `the dtype attribute must be one of ${dtypes.join(', ')}` },
  infer: (c) => {
    const d = dtypeAttr(c.attrs, 'dtype');
    c.check(dtypes.includes(d) && !c.inputs[0].state, 'convert_c1', String(d));
    return [tensorType(d, c.inputs[0].shape)];
  },
  scalar: ([x], attrs) => convertExpr(x, dtypeAttr(attrs, 'dtype')),
  grad: (b, n, [g]) => [isFloat(n.inputs[0].type.dtype) ? b.convert(g, n.inputs[0].type.dtype) : null],
  reference: ([x], _, [t]) => [
    mapElements(t.dtype, [x], (v) => {
      if (t.dtype === 'bool') return +(v !== 0);
      if (isFloat(t.dtype) || t.dtype === 'f16' || !(isFloat(x.dtype) || x.dtype === 'f16')) return v;
      if (Number.isNaN(v)) return 0;
      const [lo, hi] = t.dtype === 'u32' ? [0, 4294967295] : [-2147483648, 2147483647];
      return Math.min(Math.max(Math.trunc(v), lo), hi);
    }),
  ],
  samples: [
    sample([['f32[3,5]', -9, 9]], { dtype: 'i32' }, false),
    sample(
      [{ type: { dtype: 'f32', shape: [6] }, values: [NaN, Infinity, -Infinity, 3e9, -3e9, -0.5] }],
      { dtype: 'i32' },
      false,
    ),
    sample([['i32[9]', -9, 9]], { dtype: 'f32' }, false),
    ...conversions,
    sample([['f32[9]', -1, 1]], { dtype: 'bool' }, false),
    sample(['bool[9]'], { dtype: 'f32' }, false),
  ],
});

defineOp({
  name: 'bitcast',
  doc: 'The same 32 bits read as another dtype (f32, i32, u32).',
  kind: 'elementwise',
  arity: 1,
  constraints: { bitcast_c1: 'both dtypes must be 32 bits wide: f32, i32 or u32' },
  infer: (c) => {
    const d = dtypeAttr(c.attrs, 'dtype');
    const ok = (x: DType) => x === 'f32' || isInt(x);
    c.check(ok(d) && ok(c.inputs[0].dtype), 'bitcast_c1', `${c.inputs[0].dtype} to ${d}`);
    return [tensorType(d, c.inputs[0].shape)];
  },
  scalar: ([x], attrs) => (x.ty === dtypeAttr(attrs, 'dtype') ? x : bits(dtypeAttr(attrs, 'dtype'), x)),
  grad: { none: 'bits have no derivative' },
  reference: ([x], _, [t]) => {
    const view = new DataView(new ArrayBuffer(4));
    return [
      mapElements(t.dtype, [x], (v) => {
        if (x.dtype === 'f32') view.setFloat32(0, v);
        else view.setInt32(0, v | 0);
        return t.dtype === 'f32' ? view.getFloat32(0) : t.dtype === 'i32' ? view.getInt32(0) : view.getUint32(0);
      }),
    ];
  },
  samples: [sample(['f32[9]'], { dtype: 'i32' }, false), sample([['i32[9]', 0, 9]], { dtype: 'u32' }, false)],
});

defineOp({
  name: 'stop_gradient',
  doc: 'The operand itself, through which no gradient flows.',
  kind: 'elementwise',
  arity: 1,
  constraints: {},
  infer: (c) => [c.inputs[0]],
  scalar: ([x]) => x,
  grad: { none: 'it stops gradients' },
  reference: ([x]) => [x],
  samples: [sample(['f32[3,5]'], {}, false)],
});

defineComposite({
  name: 'with_gradient_of',
  doc: 'The first operand, whose gradient goes to the second: what a Variable holds after an assignment is its own value to a tape, not what was assigned.',
  arity: 2,
  constraints: {
    with_gradient_of_c1: 'the operands must have one dtype and shape',
    with_gradient_of_c2: "the operands' dtype must be float",
  },
  infer: (c) => {
    const [x, y] = c.inputs;
    c.check(typeEq(x, y), 'with_gradient_of_c1', `${typeText(x)} and ${typeText(y)}`);
    c.check(isFloat(x.dtype), 'with_gradient_of_c2', x.dtype);
    return [x];
  },
  expand: (_, [x]) => [x],
  grad: (_, __, [g]) => [null, g],
  reference: ([x]) => [x],
  samples: [sample(['f32[3,5]', 'f32[3,5]'], {}, false)],
});
