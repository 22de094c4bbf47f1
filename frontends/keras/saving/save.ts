// `model.save`.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { pathOf, writeWhole } from '../../files.ts';
import { getModelArtifactsInfoForJSON } from '../../io/artifacts.ts';
import { handlerFor } from '../../io/router.ts';
import type { IOHandler, SaveResult } from '../../io/types.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions } from '../engine/names.ts';
import { formatOfName, type ModelFormat, modelFormats } from './formats.ts';
import { artifactsOfModel, type SaveOptions } from './layers-artifacts.ts';

/** Whether `name` is in a folder or at an address, not with a handler's scheme of its own. */
export const isFilePath = (name: string): boolean =>
  name.startsWith('file://') || !/^[a-z][a-z0-9+.-]+:\/\//i.test(name);

/** See `LayersModel.save`. */
export async function saveModel(
  model: LayersModel,
  target: string | IOHandler,
  options: SaveOptions = {},
): Promise<SaveResult> {
  const op = `${model.name}.save`;
  checkOptions(options, ['includeOptimizer', 'trainableOnly'], op);
  const format = typeof target === 'string' && isFilePath(target) ? formatOfName(target) : undefined;
  if (format && typeof target === 'string') {
    const bytes = await format.encode(model, options);
    await writeWhole(await pathOf(target, op), bytes, op);
    const modelArtifactsInfo = getModelArtifactsInfoForJSON({});
    return { modelArtifactsInfo: { ...modelArtifactsInfo, weightDataBytes: bytes.length } };
  }
  const handler = handlerFor(target, 'save', op);
  const artifacts = await artifactsOfModel(model, options);
  return handler.save?.(artifacts) as Promise<SaveResult>;
}

/**
 * A model as the bytes of a file: 'native', 'keras' or 'h5'. Rejects as `model.save`.
 */
export async function encodeModel(model: LayersModel, format: string, options: SaveOptions = {}): Promise<Uint8Array> {
  const op = 'models.encodeModel';
  const known = Object.hasOwn(modelFormats, format) ? (modelFormats[format] as ModelFormat) : undefined;
  if (!known)
    throw new ArgumentError(`there is no format ${valueText(format)}`, {
      op,
      fix: `use one of ${Object.keys(modelFormats).join(', ')}`,
    });
  checkOptions(options, ['includeOptimizer', 'trainableOnly'], op);
  return known.encode(model, options);
}
