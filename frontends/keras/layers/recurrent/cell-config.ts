// Options of a layer that are its cell's.

import { commonOptions, type LayerArgs } from '../../engine/layer.ts';
import { checkOptions } from '../../engine/names.ts';
import { rnnKeys } from './rnn.ts';

/** The options among `args` that the cell takes, with the layer's dtype. Throws ArgumentError for an option of neither. */
export function cellConfig<T extends LayerArgs>(args: T, keys: readonly string[], name: string): T {
  checkOptions(args, [...keys, ...rnnKeys, ...commonOptions], name.replace('_cell', ''));
  const own = Object.fromEntries(Object.entries(args).filter(([k]) => keys.includes(k)));
  return { ...own, name, dtype: args.dtype, trainable: args.trainable } as T;
}
