// Weights by name: what files call them, and which of a model's they are.

import { damaged, type Place } from '../../io/format.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Layer } from '../engine/layer.ts';
import type { LayersModel } from '../engine/model.ts';
import { LayerVariable } from '../engine/weights.ts';
import { isModel } from './is-model.ts';

/** A weight and the layers that it lies in, from outside. */
export interface PlacedWeight {
  readonly variable: Variable;
  /** Names of the layers around it, without that of the model itself; the last one owns it. */
  readonly path: readonly string[];
  /** Its name in its layer: 'kernel'. */
  readonly name: string;
  /** How TensorFlow.js names it. */
  readonly fullName: string;
}

/** The name of a weight in its layer. */
const ownName = (v: Variable): string =>
  v instanceof LayerVariable ? v.originalName : v.name.slice(v.name.lastIndexOf('/') + 1);

/** Names within a name: a cell is `lstm/lstm_cell` where its layer is `lstm`. */
const inside = (name: string, outer: string | undefined): string =>
  outer !== undefined && name.startsWith(`${outer}/`) ? name.slice(outer.length + 1) : name;

/** Layers whose name TensorFlow.js does not put into those of weights: what a wrapper wraps, and a lone cell. */
function isSilent(owner: Layer, layer: Layer): boolean {
  const kind = owner.getClassName();
  return kind === 'TimeDistributed' || 'cell' in owner || layer.getClassName() === 'StackedRNNCells';
}

/** All weights of a model, each once, in the order of `model.weights`. */
export function placedWeights(model: LayersModel): PlacedWeight[] {
  const found = new Map<Variable, PlacedWeight>();
  const visit = (layer: Layer, path: readonly string[], scope: readonly string[]) => {
    for (const variable of layer.ownWeights) {
      const name = ownName(variable);
      if (!found.has(variable)) found.set(variable, { variable, path, name, fullName: [...scope, name].join('/') });
    }
    layer.sublayers().forEach((l, i) => {
      const own = inside(l.name, layer.name);
      // A nested model's layers have names of their own.
      const around = isModel(layer) ? [] : scope;
      const cells = layer.getClassName() === 'StackedRNNCells';
      const part = cells ? [`RNNCell_${i}`] : isSilent(layer, l) ? [] : [own];
      visit(l, [...path, own], [...around, ...part]);
    });
  };
  visit(model, [], []);
  return model.weights.map((v) => found.get(v) ?? { variable: v, path: [], name: ownName(v), fullName: v.name });
}

/** The names that weights are saved under: each another one. */
export function uniqueFullNames(weights: readonly PlacedWeight[]): string[] {
  const taken = new Set<string>();
  return weights.map(({ fullName, path, name }) => {
    let unique = fullName;
    if (taken.has(unique)) unique = [...path, name].join('/');
    for (let i = 1; taken.has(unique); i++) unique = `${[...path, name].join('/')}_${i}`;
    taken.add(unique);
    return unique;
  });
}

/** A tensor of a file that may be a weight. */
export interface SavedWeight {
  readonly name: string;
  readonly shape: readonly number[];
}

const plain = (name: string): string => name.replace(/:0$/, '');

/** The names that a file may have for a weight: all layers around it, or some of them. */
function candidates({ path, name, fullName }: PlacedWeight): string[] {
  const tail = path.map((_, i) => [...path.slice(i), name].join('/'));
  const ends = path.length > 1 ? [[path[0], name].join('/'), [path[0], path[path.length - 1], name].join('/')] : [];
  return [fullName, ...tail, ...ends];
}

/** Which saved tensor each weight gets: first by their names, then by layer, weight and order in the layer. */
export function matchWeights<T extends SavedWeight>(
  weights: readonly PlacedWeight[],
  saved: readonly T[],
): { found: Map<PlacedWeight, T>; unused: T[]; missing: PlacedWeight[] } {
  const byName = new Map(saved.map((s) => [plain(s.name), s]));
  const found = new Map<PlacedWeight, T>();
  const used = new Set<T>();
  for (const w of weights) {
    const s = candidates(w)
      .map((c) => byName.get(c))
      .find((x) => x && !used.has(x));
    if (!s) continue;
    found.set(w, s);
    used.add(s);
  }
  // What is left, by the layers that its name has: names of cells and wrappers differ between libraries.
  const left = new Map<string, T[]>();
  const key = (layer: string, weight: string, shape: readonly number[]) => `${layer}/${weight}/${shape}`;
  for (const s of saved.filter((x) => !used.has(x)).reverse()) {
    const parts = plain(s.name).split('/');
    const last = parts.pop() as string;
    for (const p of new Set(parts)) {
      const k = key(p, last, s.shape);
      const others = left.get(k);
      if (others) others.push(s);
      else left.set(k, [s]);
    }
  }
  for (const w of weights) {
    if (found.has(w)) continue;
    const last = w.name.slice(w.name.lastIndexOf('/') + 1);
    const s = w.path
      .toReversed()
      .map((p) => takeLast(left.get(key(p, last, w.variable.shape)), used))
      .find((x) => x);
    if (!s) continue;
    found.set(w, s);
    used.add(s);
  }
  return {
    found,
    unused: saved.filter((s) => !used.has(s)),
    missing: weights.filter((w) => !found.has(w)),
  };
}

/** The last of a list that is not used, which leaves the list. */
function takeLast<T>(list: T[] | undefined, used: ReadonlySet<T>): T | undefined {
  while (list?.length && used.has(list[list.length - 1])) list.pop();
  return list?.[list.length - 1];
}

const listed = (names: readonly string[]): string =>
  names.slice(0, 6).join(', ') + (names.length > 6 ? ` and ${names.length - 6} more` : '');

/** Throws FormatError where weights are missing or left over. */
export function checkComplete(
  { unused, missing }: { unused: readonly SavedWeight[]; missing: readonly PlacedWeight[] },
  place: Place,
): void {
  const fix = 'the file is of another model; strict: false takes the weights that fit';
  if (missing.length)
    damaged(place, `it has no ${listed(missing.map((w) => `'${w.fullName}' [${w.variable.shape}]`))}`, fix);
  if (unused.length) damaged(place, `the model has no ${listed(unused.map((s) => `'${s.name}' [${s.shape}]`))}`, fix);
}
