// Weights of a manifest, without a model: TensorFlow.js's loadWeights.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';
import { bytesOf, damaged } from './format.ts';
import { fetchBytes } from './http.ts';
import type { NamedTensorMap, WeightsManifestConfig } from './types.ts';
import { checkedManifest, tensorOfPart, weightParts } from './weights.ts';

const op = 'io.loadWeights';

type LoadWeights = (
  manifest: WeightsManifestConfig,
  filePathPrefix?: string,
  weightNames?: string[],
) => Promise<NamedTensorMap>;

/**
 * A function that loads the weights of a manifest, all or those of some names, with a fetch of one's own: of the
 * addresses of files, their bytes. Groups without any of these names are not fetched. It rejects with FormatError
 * where lengths do not match, ArgumentError for names that are not there.
 */
export function weightsLoaderFactory(fetchWeights: (urls: string[]) => Promise<ArrayBuffer[]>): LoadWeights {
  if (typeof fetchWeights !== 'function')
    throw new ArgumentError(`takes a function of addresses, not ${valueText(fetchWeights)}`, {
      op: 'io.weightsLoaderFactory',
      fix: 'such as (urls) => Promise.all(urls.map(read))',
    });
  return async (manifest, prefix = '', names) => {
    const place = { op, file: 'weightsManifest' };
    const groups = checkedManifest(manifest, place);
    const known = new Set(groups.flatMap((g) => g.weights.map((w) => w.name)));
    const unknown = names?.find((n) => !known.has(n));
    if (unknown !== undefined)
      throw new ArgumentError(`there is no weight '${unknown}' in the manifest`, { op, fix: 'check the names' });
    const wanted = (name: string) => names === undefined || names.includes(name);
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    const found = await Promise.all(
      groups
        .filter((g) => g.weights.some((w) => wanted(w.name)))
        .map(async (g) => {
          const files = await fetchWeights(g.paths.map((p) => folder + p));
          if (files.length !== g.paths.length) damaged(place, `${files.length} of ${g.paths.length} files were given`);
          const bytes = concatBytes(files.map((f) => bytesOf(f, 'a file of weights', op)));
          const parts = weightParts(bytes, g.weights, place).filter((p) => wanted(p.spec.name));
          return parts.map((p) => [p.spec.name, tensorOfPart(p, place)] as const);
        }),
    );
    return Object.fromEntries(found.flat());
  };
}

/** As `weightsLoaderFactory`, with `fetch`. */
export const loadWeights = (
  manifest: WeightsManifestConfig,
  filePathPrefix = '',
  weightNames?: string[],
  requestInit?: RequestInit,
): Promise<NamedTensorMap> =>
  weightsLoaderFactory((urls) =>
    Promise.all(urls.map(async (u) => (await fetchBytes(u, { requestInit }, 2 ** 32)).slice().buffer as ArrayBuffer)),
  )(manifest, filePathPrefix, weightNames);
