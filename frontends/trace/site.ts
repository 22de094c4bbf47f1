// Where in the user's code something was made. The stack is kept unformatted, because nearly no
// trace ever asks for it, and formatting costs more than tracing an operation.

import { stackHere, userFrame } from '../../ir/frames.ts';

/** A place in the program, formatted on demand. */
export class Site {
  readonly #error = stackHere();

  /** The innermost frame outside the library, `file:line:column`; 'an unknown place' if there is none. */
  toString(): string {
    return userFrame(this.#error.stack) ?? 'an unknown place';
  }
}
