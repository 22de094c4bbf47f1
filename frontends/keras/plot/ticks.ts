// Round numbers on an axis.

/** A number of an axis, without the digits that no other tick of that step has. */
export function tickText(x: number, step: number): string {
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4)
    return x.toExponential(Math.max(0, Math.floor(Math.log10(size)) - Math.floor(Math.log10(step) + 1e-9)));
  return x.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

export interface Ticks {
  readonly values: readonly number[];
  readonly step: number;
}

/**
 * At most `most` multiples of 1, 2 or 5 times a power of ten that cover what lies between two numbers.
 * @param least the smallest step: 1 for what is counted
 */
export function ticksOf(from: number, to: number, most: number, least = 0): Ticks {
  const range = to - from || Math.abs(to) || 1;
  const rough = Math.max(range / most, least);
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = [1, 2, 5, 10].map((n) => n * power);
  const step =
    steps.find((s) => s >= rough * (1 - 1e-9) && Math.floor(to / s) - Math.ceil(from / s) < most) ?? steps[3];
  const values: number[] = [];
  // Products, not sums: errors do not add up.
  for (let i = Math.ceil(from / step - 1e-9); i <= Math.floor(to / step + 1e-9); i++) values.push(i * step);
  return { values, step };
}
