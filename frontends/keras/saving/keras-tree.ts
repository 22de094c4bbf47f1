// Where Keras 3 keeps the Variables of layers in `model.weights.h5`: groups by the attributes that hold layers, and in
// each a group `vars` with numbers. Source of the layout: Keras 3's saving_lib.

import type { H5Object } from '../../io/hdf5/file.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Layer } from '../engine/layer.ts';
import type { LayersModel } from '../engine/model.ts';
import { LayerVariable } from '../engine/weights.ts';
import { isModel } from './is-model.ts';

/** A group of the file with Variables. */
export interface VariableGroup {
  /** Its path in the file, as Keras 3 writes it. */
  readonly path: string;
  /** Other paths under which earlier versions wrote it. */
  readonly others: readonly string[];
  readonly variables: readonly Variable[];
  /** The name of whose Variables they are. */
  readonly name: string;
}

/** A layer inside of another one: under which attribute, and under which others earlier versions kept it. */
interface Child {
  readonly layer: Layer;
  readonly parts: readonly string[];
}

/** `MultiHeadAttention` as Keras 3 names groups: `multi_head_attention`. */
const snake = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Layers in an array: by class, a number added where one comes again; before, by their own names. */
function listed(layers: readonly Layer[], parts: readonly string[]): Child[] {
  const seen = new Map<string, number>();
  return layers.map((layer) => {
    const name = snake(layer.getClassName() === 'Model' ? 'Functional' : layer.getClassName());
    const n = seen.get(name) ?? 0;
    seen.set(name, n + 1);
    const own = n === 0 ? name : `${name}_${n}`;
    return { layer, parts: parts.flatMap((p) => [`${p}/${own}`, `${p}/${layer.name}`]) };
  });
}

/** Layers inside of one, with their attributes in Keras. */
function childrenOf(layer: Layer): Child[] {
  if (isModel(layer)) return listed(layer.layers, ['layers', '_layer_checkpoint_dependencies']);
  const inside = layer.sublayers();
  if (layer.getClassName() === 'StackedRNNCells') return listed(inside, ['cells']);
  const names = new Map(Object.entries(layer).flatMap(([k, x]) => (inside.includes(x as Layer) ? [[x, k]] : [])));
  return inside.map((l, i) => {
    const key = names.get(l) as string | undefined;
    // Attributes in camel case here are in snake case there.
    return { layer: l, parts: [key === undefined ? `layer_${i}` : snake(key[0].toUpperCase() + key.slice(1))] };
  });
}

const declared = (v: Variable): boolean => (v instanceof LayerVariable ? v.declaredTrainable : v.trainable);

/** The parts of multi-head attention are layers in Keras. */
function attentionGroups(layer: Layer): [string, Variable[]][] {
  const groups = new Map<string, Variable[]>();
  for (const v of layer.ownWeights) {
    const part = (v as LayerVariable).originalName.split('/')[0];
    const name = part === 'attention_output' ? 'output_dense' : `${part}_dense`;
    groups.set(name, [...(groups.get(name) ?? []), v]);
  }
  return [...groups];
}

/** All groups of a model's Variables, each Variable once. */
export function variableGroups(model: LayersModel): VariableGroup[] {
  const groups: VariableGroup[] = [];
  const seen = new Set<Layer>();
  const visit = (layer: Layer, paths: readonly string[]) => {
    if (seen.has(layer)) return;
    seen.add(layer);
    const at = (tail: string) => paths.map((p) => (p === '' ? tail : `${p}/${tail}`));
    const add = (tail: string, variables: readonly Variable[]) => {
      const [path, ...others] = at(tail);
      groups.push({ path, others, variables, name: layer.name });
    };
    const own = layer.ownWeights;
    if (layer.getClassName() === 'MultiHeadAttention')
      for (const [name, variables] of attentionGroups(layer)) add(`${name}/vars`, variables);
    else add('vars', [...own.filter(declared), ...own.filter((v) => !declared(v))]);
    for (const c of childrenOf(layer))
      visit(
        c.layer,
        c.parts.flatMap((part) => at(part)),
      );
  };
  visit(model, ['']);
  return groups;
}

/** The group of a file in which these Variables are, undefined where there is none. */
export const groupIn = (root: H5Object, g: VariableGroup): H5Object | undefined =>
  root.get(g.path) ?? g.others.map((p) => root.get(p)).find((x) => x);
