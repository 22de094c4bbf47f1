// The typed errors of every public door. An error says what went wrong, where (the op and the
// user's line), the actual values, and the fix.

import { userFrame } from './frames.ts';

/** What an error is made of, beside its message. */
export interface ErrorInfo {
  /** The operation or public function that refused. */
  op?: string;
  /** Label of the violated constraint, e.g. `dot_general_c3`; the same label stands in the docs. */
  label?: string;
  /** What the caller can do about it. */
  fix?: string;
}

/** Whatever an argument is, as text for a message; long arrays are cut. Never throws. */
export function valueText(x: unknown): string {
  if (typeof x === 'string') return `'${x.length > 60 ? `${x.slice(0, 60)}…` : x}'`;
  if (typeof x === 'function') return x.name ? `the function ${x.name}` : 'a function';
  if (typeof x === 'bigint') return `${x}n`;
  if (x === null || typeof x !== 'object') return Object.is(x, -0) ? '-0' : String(x);
  if (Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView))) {
    const list = Array.from(x as ArrayLike<unknown>).slice(0, 16);
    return `[${list.map(valueText).join(',')}${(x as ArrayLike<unknown>).length > list.length ? ',…' : ''}]`;
  }
  const { shape } = x as { shape?: unknown };
  // What a file said may have keys of any name.
  const kind = typeof x.constructor === 'function' ? x.constructor.name : 'object';
  if (Array.isArray(shape)) return `a ${kind} of shape ${valueText(shape)}`;
  return kind === 'Object' ? `an object {${Object.keys(x).slice(0, 8).join(', ')}}` : `a ${kind}`;
}

/** Base class of all errors that sinter throws on purpose. */
export class SinterError extends Error {
  static readonly kind: string = 'SinterError';
  readonly op: string | undefined;
  readonly label: string | undefined;
  readonly fix: string | undefined;
  /** The first stack frame outside this package, `file:line:column`, where known. */
  readonly userLine: string | undefined;

  constructor(message: string, info: ErrorInfo = {}) {
    const line = userFrame();
    super(
      (info.op ? `${info.op}: ` : '') +
        message +
        (info.label ? ` [${info.label}]` : '') +
        (info.fix ? `\n  fix: ${info.fix}` : '') +
        (line ? `\n  at your line: ${line}` : ''),
    );
    // Where classes have been renamed to save bytes, they still say what they are.
    this.name = Object.hasOwn(new.target, 'kind') ? new.target.kind : new.target.name;
    this.op = info.op;
    this.label = info.label;
    this.fix = info.fix;
    this.userLine = line;
  }
}

/** Ranks, shapes or axes that do not fit. */
export class ShapeError extends SinterError {}
/** A dtype that an operation does not take, or a value that its dtype cannot hold. */
export class DTypeError extends SinterError {}
/** Any other argument that is not acceptable. */
export class ArgumentError extends SinterError {
  static override readonly kind = 'ArgumentError';
}
/** A traced tensor used where a concrete value is needed, or outside of its trace. */
export class TraceError extends SinterError {}
/** A gradient that cannot be computed as asked. */
export class GradientError extends SinterError {}
/** A graph that a target cannot compile. */
export class CompileError extends SinterError {}
/** A failure while a compiled program runs. */
export class ExecutionError extends SinterError {
  static override readonly kind = 'ExecutionError';
}
/** More memory than the device has. */
export class MemoryError extends SinterError {
  static override readonly kind = 'MemoryError';
}
/** A device or backend that is not there. */
export class DeviceError extends SinterError {
  static override readonly kind = 'DeviceError';
}
/** A file that is not what it should be: damaged, of another version or format, or with contents that are not supported. */
export class FormatError extends SinterError {
  static override readonly kind = 'FormatError';
}
/** Text that does not parse (IR, tables of values); line and column count from 1. */
export class ParseError extends SinterError {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number, info: ErrorInfo = {}) {
    super(message, info);
    this.line = line;
    this.column = column;
  }
}

/** A graph or kernel that breaks the rules of its IR; lists every violation. */
export class VerifyError extends SinterError {
  readonly errors: readonly string[];
  constructor(what: string, errors: readonly string[]) {
    super(`${what} does not verify, ${errors.length} error(s):\n  ${errors.join('\n  ')}`);
    this.errors = errors;
  }
}
