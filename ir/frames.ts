// Whose line an error came from: the innermost frame of the stack that is not this library's.

// Frames below these folders of the package are the library's own; tests, examples and the user's
// files are not.
// A bundle may have no address of its own: then nothing is known to be the library's.
const here: string | undefined = import.meta.url;
const root = here && new URL('..', here).href;
const own = (root ? ['ir/', 'compiler/', 'runtime/', 'frontends/', 'cli/', 'bundle/'] : []).flatMap((d) => {
  const url = root + d;
  return url.startsWith('file://') ? [url, decodeURIComponent(url.slice('file://'.length))] : [url];
});

/** Stack frames kept: V8 keeps ten by default, and the user's own often lies deeper. */
const depth = 50;

/** A fresh error with the stack of here, deep enough to reach the user's frame; formatted on first use. */
export function stackHere(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const error = new Error();
  Error.stackTraceLimit = limit;
  return error;
}

/** The innermost frame of a stack that is not this library's, as `file:line:column`. */
export function userFrame(stack = stackHere().stack): string | undefined {
  if (!stack) return undefined;
  for (const line of stack.split('\n').slice(1)) {
    const m = /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()\s]*:\d+:\d+)\)?$/.exec(line.trim());
    if (!m) continue;
    const at = m[1];
    if (own.some((o) => at.startsWith(o)) || at.includes('/node_modules/')) continue;
    return at.replace(/^file:\/\//, '');
  }
  return undefined;
}
