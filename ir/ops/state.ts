// Variables as values: a state value is one version of a Variable. Reading gives its tensor,
// assigning gives the next version; both are pure, so order follows from the values alone, and the
// compiler turns a chain of versions into one buffer updated in place.

import { ndarray } from '../ndarray.ts';
import { defineOp } from '../op.ts';
import { stateType, tensorType, typeText } from '../types.ts';

defineOp({
  name: 'read',
  doc: 'The tensor that this version of a Variable holds.',
  kind: 'state',
  arity: 1,
  constraints: { read_c1: 'the operand must be a state' },
  infer: (c) => {
    const [s] = c.inputs;
    c.check(!!s.state, 'read_c1', typeText(s));
    return [tensorType(s.dtype, s.shape)];
  },
  // A gradient with respect to the state is that of its tensor.
  grad: (_b, _n, [g]) => [g],
  reference: ([s]) => [s],
  samples: [],
});

defineOp({
  name: 'assign',
  doc: 'The next version of a Variable, holding the second operand. A version is assigned at most once.',
  kind: 'state',
  arity: 2,
  constraints: {
    assign_c1: 'the first operand must be a state, the second a tensor',
    assign_c2: 'the tensor must have the dtype and shape of the state',
  },
  infer: (c) => {
    const [s, v] = c.inputs;
    c.check(!!s.state && !v.state, 'assign_c1', `${typeText(s)} and ${typeText(v)}`);
    const held = typeText(tensorType(s.dtype, s.shape));
    c.check(held === typeText(v), 'assign_c2', `${typeText(v)} for ${typeText(s)}`);
    return [stateType(s)];
  },
  grad: { none: 'an assignment is an effect of the program, not a value of the function' },
  reference: ([s, v]) => [ndarray(s.dtype, s.shape, v.data)],
  samples: [],
});
