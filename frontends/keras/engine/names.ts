// Names: of classes and options as users write them, and of layers and weights as Keras gives them.

import { ArgumentError, valueText } from '../../../ir/errors.ts';

/** The same for `meanSquaredError`, `mean_squared_error` and `MeanSquaredError`. */
export const canonical = (name: string): string => name.replace(/_/g, '').toLowerCase();

/** `MaxPooling2D` as Keras names its layers: `max_pooling2d`. */
export function snakeCase(name: string): string {
  return name
    .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

const counts = new Map<string, number>();

/** `dense`, then `dense_1`, `dense_2`, …: a name of its own for each object. */
export function uniqueName(prefix: string): string {
  const n = counts.get(prefix) ?? 0;
  counts.set(prefix, n + 1);
  return n === 0 ? prefix : `${prefix}_${n}`;
}

/** Starts the numbers of automatic names anew. */
export const resetNames = (): void => counts.clear();

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/** The known name that is most like `name`, if one is. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const k of known) {
    const d = distance(canonical(name), canonical(k));
    if (d < least) [best, least] = [k, d];
  }
  return best;
}

/** The fix for an unknown name: "did you mean 'relu'?", and what there is. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const list = [...known];
  const best = nearest(name, list);
  return `${best === undefined ? '' : `did you mean '${best}'? `}known: ${list.join(', ')}`;
}

/**
 * Refuses an options object with keys that nothing reads: a misspelt option would be without effect.
 * Throws ArgumentError that names the key and the nearest option.
 */
export function checkOptions(options: unknown, known: readonly string[], op: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ArgumentError(`the options must be an object, not ${valueText(options)}`, {
      op,
      fix: `such as {${known[0] ?? ''}: …}`,
    });
  for (const k of Object.keys(options))
    if (!known.includes(k)) throw new ArgumentError(`there is no option '${k}'`, { op, fix: didYouMean(k, known) });
}

/** The options of something, which must be an object. Throws ArgumentError for anything else. */
export function given<T extends object>(options: T, op: string): T {
  if (typeof options === 'object' && options !== null && Object.getPrototypeOf(options) === Object.prototype)
    return options;
  throw new ArgumentError(`takes an object of options, not ${valueText(options)}`, {
    op,
    fix: `such as ${op}({…}); its documentation lists the options`,
  });
}

/** As `given`, where there may be none. */
export const optional = <T extends object>(options: T | undefined | null, op: string): T | undefined =>
  options === undefined || options === null ? undefined : given(options, op);
