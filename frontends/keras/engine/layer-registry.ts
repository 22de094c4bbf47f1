// The layers by class name. `layers/index.ts` fills it; what makes layers from configurations asks it.

import { Layer } from './layer.ts';
import { type CustomObjects, Registry } from './serialize.ts';

export const layerRegistry = new Registry<Layer>('layer', (x): x is Layer => x instanceof Layer);

/** The layer that `{className, config}` or a layer stands for. Throws ArgumentError for an unknown class, with the nearest one. */
export const getLayer = (x: unknown, op: string, objects?: CustomObjects): Layer => layerRegistry.get(x, op, objects);
