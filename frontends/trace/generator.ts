// Keys for random numbers. With a seed, the key is made of it; without, it comes from one global
// generator. The generator is a Variable: a traced function draws new numbers on every call, and the
// numbers follow from `setRandomSeed` alone, whatever the target.

import { Literal } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { withTrace } from './context.ts';
import { emitter as b, operandOf } from './dispatch.ts';
import { eagerTensor, type Tensor } from './tensor.ts';
import { Variable } from './variable.ts';

const keyType = tensorType('u32', [2]);
const one = Literal.of(Uint32Array.of(0, 1));

/** Two words of a seed: whole numbers up to 2^53 differ in them, text by a hash. */
function words(seed: number | string): Uint32Array {
  if (typeof seed === 'number' && Number.isSafeInteger(seed))
    return Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
  let [h, g] = [0x811c9dc5, 0x9747b28c];
  for (const c of String(seed)) {
    h = Math.imul(h ^ (c.codePointAt(0) as number), 0x01000193);
    g = Math.imul(g ^ h, 0x85ebca6b);
  }
  return Uint32Array.of(h, g);
}

/** The first word is the seed; the second counts the draws. */
const start = (seed: number | string) => Uint32Array.of(words(seed)[0] ^ words(seed)[1], 0x5eed0000);

/** A new source of random numbers: a Variable, so that programs draw on and leave it where they stopped. */
export function randomState(seed: number | string, name: string): Variable {
  const v = new Variable(eagerTensor(keyType, start(seed)), false, name);
  // With a lost GPU goes only how far the numbers were.
  v.cell.spare = () => start(seed);
  return v;
}

const generator = randomState(Math.floor(Math.random() * 2 ** 32), 'random_state');
/** Where numbers come from at present. */
let current = generator;

/** The state of the global generator, to be kept and given back. */
export const globalRandomState = (): Variable => generator;

/** Starts the global generator anew: the same seed gives the same numbers from here on. */
export function setRandomSeed(seed: number | string): void {
  generator.assign(eagerTensor(keyType, start(seed)));
  generator.cell.spare = () => start(seed);
}

/** A number that follows from the global seed alone, however much was drawn. */
export async function generatorSeed(): Promise<number> {
  const now = withTrace(undefined, () => generator.operand());
  await now.fetch();
  return now.elements()[0];
}

/** Runs `f` while random numbers without a seed come from another source. */
export function drawFrom<T>(source: Variable | undefined, f: () => T): T {
  const old = current;
  current = source ?? old;
  try {
    return f();
  } finally {
    current = old;
  }
}

/** A key of shape [2]: of the seed, or the next one of the present source. */
export function randomKey(seed?: number | string): Tensor {
  if (seed !== undefined && seed !== null) return eagerTensor(keyType, words(seed));
  const source = current;
  const key = operandOf(source);
  source.assign(b.add(key, b.constant(one, keyType)) as Tensor);
  return key;
}
