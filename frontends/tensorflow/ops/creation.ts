// Tensors made of numbers, and random ones. These come from sinter's own generators: other numbers than TensorFlow's, of
// the same distributions.

import { DTypeError, valueText } from '../../../ir/errors.ts';
import { isFloat } from '../../../ir/types.ts';
import { linspace, range } from '../../trace/creation.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { type DataType, publicDType } from '../../trace/dtypes.ts';
import * as binary from '../../trace/ops/binary.ts';
import { cast, expandDims } from '../../trace/ops/shape.ts';
import * as random from '../../trace/random.ts';
import {
  shuffle,
  statelessCategorical,
  statelessNormal,
  statelessTruncatedNormal,
  statelessUniform,
} from '../../trace/random-stateless.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { Strings } from '../values.ts';
import { ints } from './shape.ts';

const dtype = (c: Call, name: string, fallback?: 'f32' | 'i32'): DataType =>
  publicDType(c.runtime.dtypeOf(c.attrs.typeName(name, fallback && 'DT_FLOAT'), c.attrs.dtype(name, fallback)));
const floatType = (c: Call): 'float32' | 'float64' => (dtype(c, 'dtype', 'f32') === 'float64' ? 'float64' : 'float32');

function filled(c: Call): Tensor {
  return b.broadcastTo(c.x(1), c.shape(0)) as Tensor;
}

function ranged(c: Call): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((i) => c.number(i, 'a limit of the range'));
  return range(start, limit, delta, c.x(0).dtype as 'float32' | 'int32');
}

/** On and off values at an axis; indices outside give off values only. */
function oneHot(c: Call): Tensor {
  const indices = cast(c.x(0), 'int32');
  const depth = c.number(1, 'the depth');
  const axis = c.attrs.int('axis', -1);
  const at = axis < 0 ? indices.rank + 1 + axis : axis;
  const shape = [...indices.shape.slice(0, at), depth, ...indices.shape.slice(at)];
  const hit = b.compare('eq', b.broadcastTo(expandDims(indices, at), shape), b.iota(shape, at)) as Tensor;
  return binary.where(hit, c.x(2), c.x(3));
}

/** Seeds of 0 mean none. */
function seedOf(c: Call): number | undefined {
  const [p, q] = [c.attrs.int('seed', 0), c.attrs.int('seed2', 0)];
  return p === 0 && q === 0 ? undefined : (Math.imul(p, 0x9e3779b1) ^ q) >>> 0;
}
const statelessSeed = (c: Call, i = 1): Tensor => cast(c.x(i), 'int32');

function multinomial(c: Call): Tensor {
  return random.multinomial(c.x(0), c.number(1, 'the number of draws'), seedOf(c));
}
function whole(c: Call): Tensor {
  const [low, high] = [c.number(1, 'a limit'), c.number(2, 'a limit')];
  return random.randomUniformInt(c.shape(0), low, high, seedOf(c));
}

/** Rows in a random order, by the place of each. */
function shuffled(c: Call): Tensor {
  const x = c.x(0);
  if (x.rank === 0) return x;
  const key = random.randomUniformInt([2], -(2 ** 31), 2 ** 31, seedOf(c));
  return shuffle(x, key);
}

function gamma(c: Call): Tensor {
  const alpha = c.x(1);
  if (!isFloat(alpha.type.dtype)) throw new DTypeError(`alpha is ${valueText(alpha.dtype)}`, { fix: 'give floats' });
  const shape = [...c.shape(0), ...alpha.shape];
  return random.randomGamma(shape, b.broadcastTo(alpha, shape) as Tensor, 1, floatType(c), seedOf(c));
}

const like = (c: Call, x: number): Tensor => b.splat(c.x(0).type, x) as Tensor;
const impure = { impure: true, limit: "other numbers than TensorFlow's, of the same distribution" } as const;
const seeded = { limit: impure.limit } as const;

/** The newer versions have the algorithm as a last operand, and key and counter for the seed. */
const drawn = (f: (shape: number[], seed: Tensor, c: Call) => Tensor) =>
  op((c) => f(c.shape(0), statelessSeed(c), c), seeded);
const uniform = drawn((shape, seed, c) => statelessUniform(shape, seed, 0, 1, floatType(c)));
const normal = drawn((shape, seed, c) => statelessNormal(shape, seed, 0, 1, floatType(c)));
const truncated = drawn((shape, seed, c) => statelessTruncatedNormal(shape, seed, 0, 1, floatType(c)));

/** Whole numbers between two limits, which stand behind the seed. */
const wholeNumbers = (from: number) =>
  op((c) => {
    const [low, high] = [c.number(from, 'a limit'), c.number(from + 1, 'a limit')];
    return statelessUniform(c.shape(0), statelessSeed(c), low, high, 'int32');
  }, seeded);

/** What makes tensors, by name. */
export const creation: Operators = {
  Empty: op(
    (c) =>
      b.splat(
        { dtype: c.runtime.dtypeOf(c.attrs.typeName('dtype'), c.attrs.dtype('dtype')), shape: c.shape(0) },
        0,
      ) as Tensor,
  ),
  Fill: op((c) => (c.value(1) instanceof Strings ? c.value(1) : filled(c))),
  LinSpace: op((c) => linspace(c.number(0, 'a limit'), c.number(1, 'a limit'), c.number(2, 'the number of elements'))),
  OneHot: op(oneHot),
  Ones: op((c) => b.splat({ dtype: c.attrs.dtype('dtype', 'f32'), shape: c.shape(0) }, 1) as Tensor),
  OnesLike: op((c) => like(c, 1)),
  Range: op(ranged),
  Zeros: op((c) => b.splat({ dtype: c.attrs.dtype('dtype', 'f32'), shape: c.shape(0) }, 0) as Tensor),
  ZerosLike: op((c) => like(c, 0)),
  Multinomial: op(multinomial, impure),
  RandomGamma: op(gamma, impure),
  RandomShuffle: op(shuffled, impure),
  RandomStandardNormal: op((c) => random.randomNormal(c.shape(0), 0, 1, floatType(c), seedOf(c)), impure),
  RandomUniform: op((c) => random.randomUniform(c.shape(0), 0, 1, floatType(c), seedOf(c)), impure),
  RandomUniformInt: op(whole, impure),
  StatelessMultinomial: op(
    (c) => statelessCategorical(c.x(0), c.number(1, 'the number of draws'), statelessSeed(c, 2)),
    seeded,
  ),
  StatelessRandomGetAlg: op(() => ints([1], [])),
  // The seed stands for the key; the counter begins at 0.
  StatelessRandomGetKeyCounter: op((c) => [c.x(0), ints([0, 0])], { results: ['key', 'counter'] }),
  StatelessRandomNormalV2: normal,
  StatelessRandomUniformInt: wholeNumbers(2),
  StatelessRandomUniformIntV2: wholeNumbers(4),
  StatelessRandomUniformV2: uniform,
  StatelessTruncatedNormalV2: truncated,
  StatelessRandomNormal: normal,
  StatelessRandomUniform: uniform,
  StatelessTruncatedNormal: truncated,
  TruncatedNormal: op((c) => random.truncatedNormal(c.shape(0), 0, 1, floatType(c), seedOf(c)), impure),
};
