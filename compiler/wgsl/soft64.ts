// Gives out the WGSL functions of emulated float64 that a shader uses.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { soft64Source } from './soft64-source.ts';

/** One declaration of the source and the others that it names. */
interface Declaration {
  readonly text: string;
  readonly uses: readonly string[];
}

const declarations: ReadonlyMap<string, Declaration> = new Map(
  soft64Source
    .replaceAll(/^\/\/.*\n/gm, '')
    .trim()
    .split('\n\n')
    .map((text) => {
      const [name, ...uses] = new Set(text.match(/\b[dD]_\w+/g));
      return [name, { text, uses }];
    }),
);

/**
 * WGSL functions of IEEE 754 binary64 arithmetic on `vec2<u32>` (x the low word, y the high one), each once, after
 * everything that they need. Round to nearest, ties to even; subnormals, infinities, NaN and signed zeros as in
 * WebAssembly, except that which NaN comes out is not defined.
 *
 * - `d_add d_sub d_mul d_div`, `d_min d_max` (NaN wins, -0 < 0), `d_pmin` (b < a ? b : a), `d_pmax` (a < b ? b : a),
 *   `d_rem` (a - trunc(a / b) * b, each step rounded), `d_fmod` (C's fmod, exact) of two numbers give a number;
 * - `d_neg d_abs d_sqrt d_floor d_ceil d_trunc d_nearest` (ties to even) of one number give a number;
 * - `d_eq d_ne d_lt d_le d_gt d_ge` of two numbers give a bool;
 * - `d_from_f32 d_from_i32 d_from_u32` are exact; `d_to_f32` rounds, its subnormals included; `d_to_i32 d_to_u32` go
 *   towards zero and saturate, NaN gives 0.
 *
 * @throws ArgumentError for any other name.
 */
export function soft64Text(names: Iterable<string>): string {
  const done = new Set<string>();
  const texts: string[] = [];
  const add = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const declaration = declarations.get(name);
    if (!declaration) {
      throw new ArgumentError(`there is no float64 function ${valueText(name)}`, {
        op: 'soft64Text',
        fix: `use one of ${[...declarations.keys()].filter((n) => n.startsWith('d_')).join(', ')}`,
      });
    }
    declaration.uses.forEach(add);
    texts.push(declaration.text);
  };
  for (const name of names) add(name);
  return texts.join('\n\n');
}
