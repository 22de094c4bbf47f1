// Orthonormal columns: what orthogonal initializers make of random ones.

import { arrayFor } from '../../ir/literal.ts';
import { scanLoop } from '../trace/control.ts';
import { range } from '../trace/creation.ts';
import { func } from '../trace/func.ts';
import { mul } from '../trace/ops/binary.ts';
import { diagPart, qr } from '../trace/ops/matrices.ts';
import { transpose } from '../trace/ops/shape.ts';
import { sign } from '../trace/ops/unary.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';

/**
 * The Q of a QR decomposition whose R has a positive diagonal, which makes it unique. The columns of x (more rows
 * than columns) are taken to be far from dependent, as random ones are.
 */
export function orthonormal(x: Tensor): Tensor {
  if (x.symbol) {
    const [q, r] = qr(x);
    return mul(q, sign(diagPart(r)));
  }
  if (x.remote) return remotely(x);
  // Weights are made before anything is compiled, and the decomposition is slow where it is interpreted: by Gram and
  // Schmidt, in the stable order, on columns that lie next to each other.
  const [rows, columns] = x.shape;
  const data = x.elements();
  const q = Array.from({ length: columns }, (_, k) =>
    Float64Array.from({ length: rows }, (_, i) => data[i * columns + k]),
  );
  q.forEach((a, k) => {
    const length = Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));
    for (let i = 0; i < rows; i++) a[i] /= length;
    for (let j = k + 1; j < columns; j++) {
      const b = q[j];
      let product = 0;
      for (let i = 0; i < rows; i++) product += a[i] * b[i];
      for (let i = 0; i < rows; i++) b[i] -= product * a[i];
    }
  });
  const out = arrayFor(x.type.dtype, data.length, 'orthogonal');
  for (let i = 0; i < data.length; i++) out[i] = q[i % columns][Math.floor(i / columns)];
  return eagerTensor(x.type, out);
}

/**
 * The same on a GPU: a column after the other as well, but all rows and the columns behind it at once, where a
 * decomposition would be one thread's work.
 */
const remotely = func(
  (x: Tensor): Tensor => {
    const columns = range(0, x.shape[1], 1, 'int32');
    const [q] = scanLoop(
      (a: Tensor, k: Tensor) => {
        const own = columns.equal(k).cast(a.dtype);
        const column = a.mul(own).sum(1, true);
        const unit = column.div(column.square().sum().sqrt());
        const shares = transpose(unit).matMul(a).mul(columns.greater(k).cast(a.dtype));
        return [a.mul(own.neg().add(1)).add(unit.mul(own)).sub(unit.matMul(shares)), k];
      },
      x,
      x.shape[1],
    );
    return q;
  },
  { name: 'orthonormal', target: 'webgpu', warnOfRetracing: false },
);
