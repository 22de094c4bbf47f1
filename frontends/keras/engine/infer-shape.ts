// Shapes and dtypes of what a layer gives, found by tracing it: for layers that do not say it themselves.

import { withRecorders, withTrace } from '../../trace/context.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { publicDType } from '../../trace/dtypes.ts';
import { spec } from '../../trace/spec.ts';
import { Tensor } from '../../trace/tensor.ts';
import { Trace } from '../../trace/trace.ts';
import { collectLosses } from './call-context.ts';
import { replaceSymbolics, type Shape, symbolicsIn, toList } from './symbolic.ts';

/** A tensor as far as it is known before anything flows. */
export interface OutputSpec {
  readonly shape: Shape;
  readonly dtype: DataType;
}

/** Stand for an unknown dimension; what changes with them is unknown as well. */
const probes = [2, 3] as const;

/** Runs a computation on traced tensors of these types, and forgets it. */
function trial(inputs: readonly OutputSpec[], unknown: number, f: (inputs: Tensor[]) => unknown): Tensor[] {
  const trace = new Trace('shape', true);
  try {
    return withTrace(trace, () =>
      withRecorders([], () => {
        const params = inputs.map(({ shape, dtype }, i) =>
          trace.input(
            spec(
              shape.map((d) => d ?? unknown),
              dtype,
            ).type,
            `x${i}`,
          ),
        );
        return toList(collectLosses(() => f(params)).result as Tensor | Tensor[]);
      }),
    );
  } finally {
    trace.close();
  }
}

/**
 * What `f` gives for inputs of these shapes and dtypes, where null in a shape is a dimension that may
 * be anything. Throws what `f` throws.
 */
export function inferOutputs(inputs: readonly OutputSpec[], f: (inputs: Tensor[]) => unknown): OutputSpec[] {
  const open = inputs.some((x) => x.shape.includes(null));
  const [a, b] = (open ? probes : [probes[0]]).map((n) => trial(inputs, n, f));
  return a.map((t, i) => ({
    shape: t.shape.map((d, k) => (b && b[i].shape[k] !== d ? null : d)),
    dtype: t instanceof Tensor ? publicDType(t.type.dtype) : 'float32',
  }));
}

/** As `inferOutputs`, for a call with named arguments among which symbolic tensors may be. */
export function inferCall(
  inputs: readonly OutputSpec[],
  kwargs: Readonly<Record<string, unknown>>,
  f: (inputs: Tensor[], kwargs: Record<string, unknown>) => unknown,
): OutputSpec[] {
  const more = symbolicsIn(kwargs);
  return inferOutputs([...inputs, ...more], (all) =>
    f(
      all.slice(0, inputs.length),
      replaceSymbolics(kwargs, (s) => all[inputs.length + more.indexOf(s)]),
    ),
  );
}
