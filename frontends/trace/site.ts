// Where in the user's code something was made. The stack is kept unformatted, because nearly no
// trace ever asks for it, and formatting costs more than tracing an operation.

const root = new URL('../..', import.meta.url);
const own = ['ir/', 'compiler/', 'runtime/', 'frontends/'].flatMap((d) => {
  const url = new URL(d, root).href;
  return url.startsWith('file://') ? [url, decodeURIComponent(url.slice('file://'.length))] : [url];
});

/** A place in the program, formatted on demand. */
export class Site {
  readonly #error: Error;

  constructor() {
    const limit = Error.stackTraceLimit;
    // The user's frame may lie below many of the library's own.
    Error.stackTraceLimit = 40;
    this.#error = new Error();
    Error.stackTraceLimit = limit;
  }

  /** The innermost frame outside the library, `file:line:column`; 'an unknown place' if there is none. */
  toString(): string {
    for (const line of (this.#error.stack ?? '').split('\n').slice(1)) {
      const at = /((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()\s]*:\d+:\d+)\)?$/.exec(line.trim())?.[1];
      if (at && !own.some((o) => at.startsWith(o)) && !at.includes('/node_modules/')) return at.replace('file://', '');
    }
    return 'an unknown place';
  }
}
