// Which handler an address belongs to. Handlers register themselves by functions of the address.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { IOHandler, LoadOptions } from './types.ts';

/** The handler of an address, null where it is none of its own. */
export type IORouter = (url: string | string[], options?: LoadOptions) => IOHandler | null;

const routers: { save: IORouter[]; load: IORouter[] } = { save: [], load: [] };

function register(kind: 'save' | 'load', router: IORouter): void {
  if (typeof router !== 'function')
    throw new ArgumentError(`takes a function of an address, not ${valueText(router)}`, {
      op: kind === 'save' ? 'io.registerSaveRouter' : 'io.registerLoadRouter',
      fix: "such as (url) => url.startsWith('mine://') ? handler : null",
    });
  routers[kind].push(router);
}

/** Makes addresses known to `model.save`. Throws ArgumentError for what is no function. */
export const registerSaveRouter = (router: IORouter): void => register('save', router);
/** Makes addresses known to `loadLayersModel` and the like. Throws ArgumentError for what is no function. */
export const registerLoadRouter = (router: IORouter): void => register('load', router);

const handlers = (kind: 'save' | 'load', url: string | string[], options?: LoadOptions): IOHandler[] =>
  routers[kind].flatMap((r) => r(url, options) ?? []);

/** The handlers that save to an address. */
export const getSaveHandlers = (url: string | string[]): IOHandler[] => handlers('save', url);
/** The handlers that load from an address. */
export const getLoadHandlers = (url: string | string[], options?: LoadOptions): IOHandler[] =>
  handlers('load', url, options);

const isHandler = (x: unknown, verb: 'save' | 'load'): x is IOHandler =>
  typeof x === 'object' && x !== null && typeof (x as IOHandler)[verb] === 'function';

/** The one handler that an address or a handler stands for. Throws ArgumentError where there is none, or several. */
export function handlerFor(
  x: string | string[] | IOHandler,
  verb: 'save' | 'load',
  op: string,
  options?: LoadOptions,
): IOHandler {
  if (typeof x === 'string' || Array.isArray(x)) {
    const found = handlers(verb, x, options);
    if (found.length === 1 && isHandler(found[0], verb)) return found[0];
    throw new ArgumentError(`${found.length || 'no'} handler(s) ${verb} '${x}'`, {
      op,
      fix: 'use file://, http(s)://, downloads://, indexeddb:// or localstorage://, or give a handler',
    });
  }
  if (isHandler(x, verb)) return x;
  throw new ArgumentError(`takes an address or a handler with ${verb}(), not ${valueText(x)}`, {
    op,
    fix: `such as 'file://./model', or {${verb}: async (…) => …}`,
  });
}

/** The rest of an address of that scheme, undefined where it is of another one. */
export const afterScheme = (url: string | string[], scheme: string): string | undefined =>
  typeof url === 'string' && url.startsWith(scheme) ? url.slice(scheme.length) : undefined;
