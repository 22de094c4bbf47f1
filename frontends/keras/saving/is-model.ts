// Whether a layer is a model.

import type { Layer } from '../engine/layer.ts';
import type { LayersModel } from '../engine/model.ts';

/** Told by what only models have: the class itself needs this folder to save. */
export const isModel = (x: Layer): x is LayersModel => 'topology' in x;
