// Importing this file registers every op.

import './binary.ts';
import './elementwise.ts';
import './generate.ts';
import './shape.ts';
import './reduce.ts';
import './cumulative.ts';
import './custom-gradient.ts';
import './sort.ts';
import './fft.ts';
import './factorization.ts';
import './orthogonal.ts';
import './linalg.ts';
import './conv.ts';
import './window.ts';
import './gather.ts';
import './resample.ts';
import './random.ts';
import './state.ts';
import './unary.ts';
import './gamma.ts';
import './control.ts';
import './custom-gradient.ts';
import './activation.ts';
import './softmax.ts';
import './normalization.ts';
