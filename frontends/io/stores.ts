// Places that keep several models by name: what they can do beside saving and loading.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { handlerFor } from './router.ts';
import type { ModelArtifactsInfo } from './types.ts';

/** A place that keeps models by name. */
export interface ModelStore {
  /** Whether there is such a place here. */
  readonly there: () => boolean;
  readonly list: () => Promise<Record<string, ModelArtifactsInfo>>;
  /** Removes a model; rejects with ArgumentError where there is none of that name. */
  readonly remove: (name: string) => Promise<ModelArtifactsInfo>;
}

const stores = new Map<string, ModelStore>();

/** Makes the store of a scheme known: 'indexeddb://'. */
export const registerStore = (scheme: string, store: ModelStore): void => void stores.set(scheme, store);

function storeOf(url: string, op: string): { store: ModelStore; name: string } {
  const scheme = typeof url === 'string' ? /^[a-z]+:\/\//.exec(url)?.[0] : undefined;
  const store = scheme === undefined ? undefined : stores.get(scheme);
  if (store && scheme) return { store, name: url.slice(scheme.length) };
  throw new ArgumentError(`${valueText(url)} is in no store of models`, {
    op,
    fix: `use an address of ${[...stores.keys()].join(' or ')}`,
  });
}

/** The models of all stores of this page, by address. */
export async function listModels(): Promise<Record<string, ModelArtifactsInfo>> {
  const there = [...stores].filter(([, s]) => s.there());
  const lists = await Promise.all(there.map(([, s]) => s.list()));
  return Object.fromEntries(
    lists.flatMap((models, i) => Object.entries(models).map(([name, info]) => [there[i][0] + name, info])),
  );
}

/** Removes a model from a store; gives what it was. Rejects with ArgumentError where there is none. */
export async function removeModel(url: string): Promise<ModelArtifactsInfo> {
  const { store, name } = storeOf(url, 'io.removeModel');
  return store.remove(name);
}

/** Copies a model from one address to another. Rejects with ArgumentError for addresses without a handler. */
export async function copyModel(sourceURL: string, destURL: string): Promise<ModelArtifactsInfo> {
  return copy(sourceURL, destURL, 'io.copyModel');
}

/** As `copyModel`, then removes the source, which must be in a store. */
export async function moveModel(sourceURL: string, destURL: string): Promise<ModelArtifactsInfo> {
  const { store, name } = storeOf(sourceURL, 'io.moveModel');
  const info = await copy(sourceURL, destURL, 'io.moveModel');
  await store.remove(name);
  return info;
}

async function copy(from: string, to: string, op: string): Promise<ModelArtifactsInfo> {
  if (from === to)
    throw new ArgumentError(`'${from}' is both source and destination`, { op, fix: 'give two addresses' });
  const source = handlerFor(from, 'load', op);
  const target = handlerFor(to, 'save', op);
  const artifacts = await source.load?.();
  const result = artifacts && (await target.save?.(artifacts));
  if (result) return result.modelArtifactsInfo;
  throw new ArgumentError(`the handler of '${from}' gave no model`, { op, fix: 'check the handler' });
}
