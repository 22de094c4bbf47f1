// Fourier transforms.

import type { ComplexTensor } from '../../trace/complex-tensor.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import * as complex from '../../trace/ops/complex.ts';
import * as fourier from '../../trace/ops/fft.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';

const lengthOf = (c: Call): number | undefined =>
  c.count > 1 ? c.numbers(1, 'the length of the transform').at(-1) : undefined;

/** The last two axes: real ones first, then the transform of the axis before. */
function plane(c: Call): ComplexTensor {
  const x = c.x(0);
  const [rows, columns] = c.numbers(1, 'the size of the transform');
  const at = x.rank - 2;
  const n = x.shape[at];
  const cut = b.slice(
    x,
    x.shape.map(() => 0),
    x.shape.with(at, Math.min(n, rows)),
  );
  const fit = b.pad(
    cut,
    x.shape.map(() => 0),
    x.shape.map((_, i) => (i === at ? Math.max(0, rows - n) : 0)),
  ) as Tensor;
  const perm = x.shape.map((_, i) => i);
  [perm[at], perm[at + 1]] = [at + 1, at];
  return complex.transpose(fourier.fft(complex.transpose(fourier.rfft(fit, columns), perm)), perm);
}

/** By name. */
export const spectral: Operators = {
  FFT: op((c) => fourier.fft(c.complex(0))),
  FFT2D: op((c) => fourier.fft2d(c.complex(0))),
  IFFT: op((c) => fourier.ifft(c.complex(0))),
  IFFT2D: op((c) => fourier.ifft2d(c.complex(0))),
  IRFFT: op((c) => fourier.irfft(c.complex(0), lengthOf(c))),
  RFFT: op((c) => fourier.rfft(c.x(0), lengthOf(c))),
  RFFT2D: op(plane),
};
