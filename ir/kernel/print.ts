// Kernel IR as text, for dumps and as the key under which equal kernels are shared. parse.ts reads it
// back. Types stand where names are declared; a bare number is an i32, f32(1) an f32 constant, and
// to_f32(x) converts.

import type { Expr } from './expr.ts';
import type { Kernel, Stmt } from './kernel.ts';

/** Operators that stand between their operands. */
export const infix: Readonly<Record<string, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

function num(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  return Object.is(x, -0) ? '-0' : String(x);
}

/** Text of an expression. */
export function printExpr(e: Expr): string {
  switch (e.k) {
    case 'const':
      return e.ty === 'i32' ? num(e.value) : `${e.ty}(${num(e.value)})`;
    case 'var':
      return e.name;
    case 'load':
      return `${e.buf}[${printExpr(e.index)}]`;
    case 'tile':
      return `${e.tile}{${e.index.map(printExpr).join(', ')}}`;
    case 'un':
      return `${e.op}(${printExpr(e.a)})`;
    case 'bin': {
      const op = infix[e.op];
      return op ? `(${printExpr(e.a)} ${op} ${printExpr(e.b)})` : `${e.op}(${printExpr(e.a)}, ${printExpr(e.b)})`;
    }
    case 'sel':
      return `select(${printExpr(e.c)}, ${printExpr(e.a)}, ${printExpr(e.b)})`;
    case 'cast':
      return `to_${e.ty}(${printExpr(e.a)})`;
    case 'bits':
      return `bits_${e.ty}(${printExpr(e.a)})`;
    case 'fma':
      return `fma(${printExpr(e.a)}, ${printExpr(e.b)}, ${printExpr(e.c)})`;
    case 'word':
      return `${e.half}_word(${printExpr(e.a)})`;
    case 'double':
      return `double(${printExpr(e.hi)}, ${printExpr(e.lo)})`;
    case 'call':
      return `@${e.fn}(${e.args.map(printExpr).join(', ')})`;
    case 'rare':
      return `rare(${printExpr(e.c)}, ${printExpr(e.call)}, ${printExpr(e.other)})`;
  }
}

/** Text of a kernel. */
export function printKernel(k: Kernel): string {
  const bufs = k.buffers.map((b) => `${b.role} ${b.name}: ${b.ty}[${b.size}]`).join(', ');
  return [`kernel @${k.name}(${bufs}) {`, ...printStmts(k.body, '  '), '}'].join('\n');
}

function printStmts(body: readonly Stmt[], ind: string): string[] {
  return body.flatMap((s): string[] => {
    switch (s.s) {
      case 'let':
        return [`${ind}let ${s.name}: ${s.value.ty} = ${printExpr(s.value)}`];
      case 'acc':
        return [`${ind}acc ${s.name}: ${s.ty} = ${printExpr(s.init)}`];
      case 'set':
        return [`${ind}set ${s.name} = ${printExpr(s.value)}`];
      case 'reduce':
        return [`${ind}reduce ${s.op} ${s.acc}, ${printExpr(s.value)}`];
      case 'store':
        return [
          `${ind}${s.buf}[${printExpr(s.index)}] = ${s.atomic ? `atomic ${s.atomic} ` : ''}${printExpr(s.value)}`,
        ];
      case 'for': {
        const flags = [
          s.limit ? ` limit ${printExpr(s.limit)}` : '',
          s.step === 1 ? '' : ` step ${s.step}`,
          s.grid ? ' grid' : '',
          s.parallel ? ` parallel ${s.parallel}` : '',
          s.vector ? ' vector' : '',
          s.unroll ? ' unroll' : '',
          s.copies && s.copies > 1 ? ` copies ${s.copies}` : '',
        ].join('');
        return [
          `${ind}for ${s.v} = ${printExpr(s.lo)} to ${printExpr(s.hi)}${flags} {`,
          ...printStmts(s.body, `${ind}  `),
          `${ind}}`,
        ];
      }
      case 'vec':
        return [
          `${ind}vec ${s.v} at ${printExpr(s.at)} lanes ${s.lanes} {`,
          ...printStmts(s.body, `${ind}  `),
          `${ind}}`,
        ];
      case 'if':
        return [
          `${ind}if ${printExpr(s.cond)} {`,
          ...printStmts(s.then, `${ind}  `),
          ...(s.else.length ? [`${ind}} else {`, ...printStmts(s.else, `${ind}  `)] : []),
          `${ind}}`,
        ];
      case 'tile':
        return [`${ind}tile ${s.name}: ${s.ty}[${s.dims.join(', ')}] = ${num(s.init)}${s.perLane ? ' per lane' : ''}`];
      case 'tileset':
        return [`${ind}set ${s.tile}{${s.index.map(printExpr).join(', ')}} = ${printExpr(s.value)}`];
      case 'barrier':
        return [`${ind}barrier`];
      case 'single':
        return [`${ind}single {`, ...printStmts(s.body, `${ind}  `), `${ind}}`];
    }
  });
}
