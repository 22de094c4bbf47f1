// Objects in configurations: a class and what it is made from.

import { isObject } from '../../io/format.ts';

/** A class and its configuration, in any of the dialects. */
export interface SavedObject {
  readonly class_name?: string;
  readonly className?: string;
  readonly config?: unknown;
  readonly registered_name?: string | null;
  readonly module?: string | null;
  readonly [key: string]: unknown;
}

export const classOf = (x: SavedObject): string | undefined =>
  typeof x.class_name === 'string' ? x.class_name : typeof x.className === 'string' ? x.className : undefined;

/** Whether something is a class with a configuration. */
export const isSaved = (x: unknown): x is SavedObject =>
  isObject(x) && classOf(x) !== undefined && ('config' in x || 'items' in x);
