// The text form: exact round trips, and errors that show the place.

import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import { Builder } from '../../ir/builder.ts';
import { ParseError } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import { Literal } from '../../ir/literal.ts';
import { defineOp, opByName } from '../../ir/op.ts';
import { constantsOf, parseGraph, parseModule } from '../../ir/parse.ts';
import { printGraph } from '../../ir/print.ts';
import { openDim, stateType, tensorType } from '../../ir/types.ts';
import { verifyGraph } from '../../ir/verify.ts';
import { opCases, opGraph, weightedSum } from '../helpers.ts';

function roundTrip(g: Graph): Graph {
  const text = printGraph(g);
  const back = parseGraph(text, { constants: constantsOf(g) });
  expect(printGraph(back)).toBe(text);
  expect(verifyGraph(back)).toEqual([]);
  return back;
}

describe('round trip of', () => {
  it.each(opCases().map((c) => [c.name, c] as const))('%s', (_, { op, sample }) => {
    const g = opGraph(op, sample);
    const back = roundTrip(g);
    expect(back.nodes.map((n) => n.attrs)).toEqual(g.nodes.map((n) => n.attrs));
    // Gradients bring literals, splats and many shapes of attributes.
    if (sample.grad !== false) {
      const scalar = weightedSum(g, 3);
      roundTrip(
        gradGraph(
          scalar,
          0,
          scalar.params.map((_p, i) => i).filter((i) => g.params[i].type.dtype === 'f32'),
        ),
      );
    }
  });

  it('the graph of the design', () => {
    const text = `func @mlp(%x: f32[32,784], %w0: f32[784,128], %b0: f32[128]) -> f32[32,128] {
  %0 : f32[32,128] = dot_general %x, %w0 {batch=[[],[]], contract=[[1],[0]]}
  %1 : f32[32,128] = broadcast %b0 {dims=[1], shape=[32,128]}
  %2 : f32[32,128] = add %0, %1
  %3 : f32[32,128] = max %2, 0
  return %3
}`;
    expect(printGraph(parseGraph(text))).toBe(text);
  });

  it('special numbers, as splats, in lists and by hash', () => {
    const b = new Builder('numbers');
    const x = b.param(tensorType('f32', [3]), 'x');
    const vs = [Number.NaN, Infinity, -Infinity, -0, 0, 1e-45, 0.1, 16777216].map((v) => b.add(x, v));
    const list = b.constant(Literal.of(Float32Array.of(Number.NaN, -0, -Infinity)), x.type);
    const big = b.constant(Literal.of(Float32Array.from({ length: 40 }, (_, i) => i / 7)), tensorType('f32', [4, 10]));
    const empty = b.constant(Literal.of(new Float32Array(0)), tensorType('f32', [0, 2]));
    const alone = b.splat(tensorType('f64', [2]), -0);
    const g = b.build([...vs, b.mul(x, list), big, empty, alone]);
    const text = printGraph(g);
    for (const part of [
      'add %x, nan',
      'add %x, inf',
      'add %x, -inf',
      'add %x, -0',
      '[nan,-0,-inf]',
      '{value=#',
      'value=[]',
      'value=-0',
    ])
      expect(text).toContain(part);
    const back = roundTrip(g);
    const data = back.nodes.flatMap((n) => (n.op.name === 'constant' ? [n.attrs.value as Literal] : []));
    expect(data.map((l) => l.hash)).toEqual(
      g.nodes.flatMap((n) => (n.op.name === 'constant' ? [(n.attrs.value as Literal).hash] : [])),
    );
    expect(() => parseGraph(text)).toThrow(/the constant #[0-9a-f]+ is not among the constants given/);
  });

  it('splats that are also values of their own', () => {
    const b = new Builder('shared');
    const x = b.param(tensorType('f32', [2]), 'x');
    const one = b.splat(x.type, 1);
    const flag = b.compare('lt', x, 1);
    const g = b.build([b.add(x, one), one, b.select(flag, one, b.splat(x.type, 2)), b.select(flag, x, 2), b.sub(1, x)]);
    roundTrip(g);
  });

  it('states, open dimensions and no results', () => {
    const b = new Builder('step/train');
    const s = b.param(stateType(tensorType('f32', [3])), 'dense/kernel');
    const x = b.param(tensorType('f32', [openDim(64), 3]), 'x');
    const flat = b.reshape(x, [openDim(64, 3)]);
    const wide = b.broadcast(b.call('read', [s]), [openDim(64), 3], [1]);
    const g = b.build([b.call('assign', [s, b.call('read', [s])]), flat, b.add(x, wide)]);
    const text = printGraph(g);
    expect(text).toContain('state<f32[3]>');
    expect(text).toContain('[3*B:64]');
    roundTrip(g);
    roundTrip(new Builder('empty').build([]));
  });

  it('regions within regions', () => {
    const t = tensorType('f32', [2]);
    const make = (name: string, f: (b: Builder, x: ReturnType<Builder['param']>) => ReturnType<Builder['param']>) => {
      const b = new Builder(name);
      return b.build([f(b, b.param(t, 'x'))]);
    };
    const inner = make('inner', (b, x) => b.mul(x, 3) as typeof x);
    const then = make('then', (b, x) => b.emit(opByName('call'), [x], {}, [inner])[0]);
    const other = make('else', (_b, x) => x);
    const b = new Builder('f');
    const p = b.param(tensorType('bool', []), 'p');
    const x = b.param(t, 'x');
    const [y] = b.emit(opByName('cond'), [p, x], {}, [then, other]);
    const c = new Builder('each');
    const each = c.build([c.add(c.param(tensorType('f32', []), 'v'), 1)]);
    const [z] = b.emit(opByName('scan'), [y], { length: 2, carry: 0 }, [each]);
    const back = roundTrip(b.build([z]));
    expect(back.nodes[0].regions.map((r) => r.name)).toEqual(['then', 'else']);
  });
});

describe('reading', () => {
  it('skips comments and free spacing, keeps several functions apart', () => {
    const text = `; two functions
func @a(%x: f32[2]) -> f32[2] { ; the first
    %0: f32[2]=neg %x ; minus
  return %0 }
func @b(%x: i32[]) -> (i32[], i32[]) {
  return %x, %x
}
`;
    const [a, b] = parseModule(text);
    expect([a.name, b.name]).toEqual(['a', 'b']);
    expect(b.results.length).toBe(2);
    expect(parseModule('')).toEqual([]);
    expect(parseModule([a, b].map((g) => printGraph(g)).join('\n')).map(String)).toEqual([a, b].map(String));
    expect(() => parseGraph(text)).toThrow(/expected the end of the text, found 'func'/);
  });

  it('keeps strings that look like other things', () => {
    // An op without samples, which would tell its attributes.
    const noted = defineOp({ ...opByName('neg'), name: 'test_noted', samples: [] });
    const b = new Builder('f');
    const x = b.param(tensorType('f32', []), 'x');
    for (const word of ['true', 'nan', 'inf', 'a b', 'quote"; it', 'plain']) b.emit(noted, [x], { note: word });
    const g = b.build([x]);
    expect(roundTrip(g).nodes.map((n) => n.attrs)).toEqual(g.nodes.map((n) => n.attrs));
  });
});

describe('an error names line, column and what was expected:', () => {
  const body = (line: string, result = '%0') =>
    `func @f(%x: f32[2], %y: f32[3]) -> f32[2] {\n  ${line}\n  return ${result}\n}`;
  const cases: [string, string, RegExp, number, number][] = [
    ['undefined value', body('%0 : f32[2] = neg %z'), /%z is not defined here/, 2, 21],
    ['defined twice', body('%x : f32[2] = neg %x'), /%x is defined twice/, 2, 3],
    ['unknown op', body('%0 : f32[2] = frobnicate %x'), /no op named 'frobnicate'/, 2, 17],
    ['wrong type', body('%0 : f32[3] = neg %x'), /neg gives f32\[2\], but f32\[3\] is written/, 2, 8],
    ['wrong results', body('%0 : f32[3] = neg %y'), /the results are f32\[3\], but f32\[2\] is written/, 1, 36],
    ['inference', body('%0 : f32[2] = add %x, %y'), /both operands must have one shape.*\[add_c2\]/, 2, 17],
    ['arity', body('%0 : f32[2] = add %x'), /takes 2 operand\(s\), got 1/, 2, 17],
    ['missing attribute', body('%0 : f32[] = reduce_sum %x'), /reduce_sum needs the attribute 'axes'/, 2, 16],
    ['unknown attribute', body('%0 : f32[2] = neg %x {axis=1}'), /neg has no attribute 'axis'/, 2, 17],
    ['number out of place', body('%0 : f32[2] = neg 3'), /a number may stand only/, 2, 21],
    ['missing colon', body('%0 f32[2] = neg %x'), /expected ':', found 'f32'/, 2, 6],
    ['unknown type', body('%0 : c64[2] = neg %x'), /expected a type, found 'c64'/, 2, 8],
    ['bad dimension', body('%0 : f32[2.5] = neg %x'), /a dimension must be an integer/, 2, 12],
    ['bad character', body('%0 : f32[2] = neg ?x'), /unexpected character "\?"/, 2, 21],
    ['unclosed list', body('%0 : f32[] = reduce_sum %x {axes=[0}'), /expected ',' or '\]', found '}'/, 2, 38],
    [
      'attribute twice',
      body('%0 : f32[] = reduce_sum %x {axes=[0], axes=[0]}'),
      /the attribute axes stands twice/,
      2,
      41,
    ],
    ['result count', body('%0, %1 : f32[2] = neg %x'), /neg has 1 result\(s\), 2 are named/, 2, 3],
    ['no end', 'func @f() -> () {\n  return', /expected .*found the end of the text/, 2, 9],
    ['not a function', 'graph @f', /expected 'func', found 'graph'/, 1, 1],
    ['constant size', body('%0 : f32[2] = constant {value=[1,2,3]}'), /constant_c1/, 2, 17],
    ['data elsewhere', body('%0 : f32[2] = neg %x {value=#12}'), /only a constant takes data/, 2, 31],
  ];
  it.each(cases)('%s', (_, text, message, line, column) => {
    let error: unknown;
    try {
      parseGraph(text);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(ParseError);
    const e = error as ParseError;
    expect(e.message).toMatch(message);
    expect([e.line, e.column]).toEqual([line, column]);
    expect(e.message).toContain(`${line}:${column}: `);
    expect(e.message).toContain(text.split('\n')[line - 1]);
  });
});
