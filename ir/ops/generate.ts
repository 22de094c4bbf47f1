// Values out of nothing: literal data and index ramps.

import type { TypedArray } from '../literal.ts';
import { build, ndarray } from '../ndarray.ts';
import { defineOp, dtypeAttr, literalAttr, numAttr, sample, shapeAttr } from '../op.ts';
import { dtypes, isStorage, shapeSize, shapeText, staticShape, tensorType } from '../types.ts';

defineOp({
  name: 'constant',
  doc: 'Literal data.',
  kind: 'generate',
  arity: 0,
  constraints: {
    constant_c1: 'the literal must have as many elements as the shape',
    constant_c2: `the dtype must be one of ${dtypes.join(', ')}`,
  },
  infer: (c) => {
    const shape = shapeAttr(c.attrs, 'shape');
    const lit = literalAttr(c.attrs, 'value');
    c.check(dtypes.includes(dtypeAttr(c.attrs, 'dtype')), 'constant_c2', String(c.attrs.dtype));
    c.check(
      lit.splat !== undefined || (lit.data as TypedArray).length === shapeSize(shape),
      'constant_c1',
      `${lit.data?.length} elements for ${shapeText(shape)}`,
    );
    return [tensorType(dtypeAttr(c.attrs, 'dtype'), shape)];
  },
  grad: { none: 'it has no operands' },
  reference: (_, attrs, [t]) => [ndarray(t.dtype, staticShape(t.shape), literalAttr(attrs, 'value').expand(t))],
  samples: [],
});

defineOp({
  name: 'iota',
  doc: 'Each element is its index along `axis`.',
  kind: 'generate',
  arity: 0,
  constraints: {
    iota_c1: 'axis must be an axis of the shape',
    iota_c2: 'the dtype must not be bool, nor one that only stores (i8, u8, f16)',
  },
  infer: (c) => {
    const shape = shapeAttr(c.attrs, 'shape');
    const axis = numAttr(c.attrs, 'axis');
    c.check(axis >= 0 && axis < shape.length, 'iota_c1', `axis ${axis} of ${shapeText(shape)}`);
    const dtype = dtypeAttr(c.attrs, 'dtype');
    c.check(dtype !== 'bool' && !isStorage(dtype), 'iota_c2', dtype, 'make it as i32 and convert it');
    return [tensorType(dtypeAttr(c.attrs, 'dtype'), shape)];
  },
  grad: { none: 'it has no operands' },
  reference: (_, attrs, [t]) => [build(t.dtype, staticShape(t.shape), (i) => i[numAttr(attrs, 'axis')])],
  samples: [
    sample([], { shape: [3, 5], axis: 1, dtype: 'i32' }, false),
    sample([], { shape: [9], axis: 0, dtype: 'f32' }, false),
  ],
});
