// How a number follows from the size of the batch, told from its values at several sizes.

/** `times * batch + plus`; or `times / batch` where it is inverse. */
export interface Law {
  readonly times: number;
  readonly plus: number;
  readonly inverse: boolean;
}

/**
 * The law of whole numbers, such as sizes and positions; null where none of `times * batch + plus` fits. Three sizes are enough
 * to tell: two give the law, the third confirms it.
 */
export function wholeLaw(values: readonly number[], sizes: readonly number[]): Law | null {
  const times = (values[1] - values[0]) / (sizes[1] - sizes[0]);
  const plus = values[0] - times * sizes[0];
  const fits = Number.isInteger(times) && values.every((v, k) => v === times * sizes[k] + plus);
  return fits ? { times, plus, inverse: false } : null;
}

/** The law of a constant: `round` is the rounding of its dtype. */
export function constantLaw(
  values: readonly number[],
  sizes: readonly number[],
  round: (x: number) => number,
): Law | null {
  const whole = wholeLaw(values, sizes);
  if (whole) return whole;
  const near = (x: number) => (Math.abs(x - Math.round(x)) < 1e-6 * Math.abs(x) ? Math.round(x) : x);
  for (const inverse of [true, false]) {
    const at = (times: number, k: number) => round(inverse ? times / sizes[k] : times * sizes[k]);
    const raw = inverse ? values[0] * sizes[0] : values[0] / sizes[0];
    // Written as 1 / batch, the number was rounded: the factor is the whole one beside it, if that explains all.
    for (const times of [near(raw), raw])
      if (values.every((v, k) => Math.abs(at(times, k) - v) <= 2 ** -22 * Math.abs(v)))
        return { times, plus: 0, inverse };
  }
  return null;
}
