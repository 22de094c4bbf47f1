// Values of options, as commander takes them.

import { InvalidArgumentError } from 'commander';

/** A whole number from `least` on. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    return n;
  };

/** `8`, or `1..64`. */
export function batchOf(text: string): number | [number, number] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  if (!range) return whole(1)(text);
  if (range[1] !== '1') throw new InvalidArgumentError('A range begins at 1: 1..64.');
  return [1, whole(1)(range[2])];
}

/** Values with commas between them, some of `known`. */
export const someOf =
  <T extends string>(known: readonly T[]) =>
  (text: string): T[] => {
    const list = text.split(',').map((s) => s.trim());
    const bad = list.find((s) => !(known as readonly string[]).includes(s));
    if (bad !== undefined) throw new InvalidArgumentError(`'${bad}' is none of ${known.join(', ')}.`);
    return list as T[];
  };

/** Values of an option that may stand several times. */
export const collect = (x: string, before: string[] = []): string[] => [...before, x];

/** A number above 0. */
export const positive = (text: string): number => {
  const x = Number(text);
  if (!(x > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return x;
};
