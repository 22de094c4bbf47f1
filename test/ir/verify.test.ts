// The verifier on graphs that the builder would never make.

import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import { VerifyError } from '../../ir/errors.ts';
import { type Attrs, Graph, Node, Value } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { parseGraph } from '../../ir/parse.ts';
import { stateType, tensorType } from '../../ir/types.ts';
import { checkGraph, printWithErrors, verifyGraph } from '../../ir/verify.ts';
import '../../ir/ops/index.ts';

const f2 = tensorType('f32', [2]);
const f3 = tensorType('f32', [3]);

/** Makes graphs by hand, without any check. */
class Raw {
  #id = 0;
  params: Value[] = [];
  nodes: Node[] = [];
  value(type = f2, index = 0, name = ''): Value {
    return new Value(this.#id++, type, index, name);
  }
  param(name: string, type = f2): Value {
    const v = this.value(type, this.params.length, name);
    this.params.push(v);
    return v;
  }
  node(op: string, inputs: Value[], outputs: Value[], attrs: Attrs = {}, regions: Graph[] = []): Value {
    this.nodes.push(new Node(this.nodes.length, opByName(op), inputs, attrs, outputs, regions));
    return outputs[0];
  }
  graph(results: Value[], count = this.#id): Graph {
    return new Graph('raw', this.params, this.nodes, results, count);
  }
}

describe('verifyGraph', () => {
  it('accepts what the builder makes', () => {
    const b = new Builder('good');
    const x = b.param(f2, 'x');
    const g = b.build([b.add(b.mul(x, x), 1)]);
    expect(verifyGraph(g)).toEqual([]);
    expect(() => checkGraph(g)).not.toThrow();
  });

  it('finds undefined values, in operands and results', () => {
    const r = new Raw();
    const x = r.param('x');
    const y = r.node('add', [x, r.value()], [r.value()]);
    const errors = verifyGraph(r.graph([y, r.value()]));
    expect(errors).toEqual([
      '@raw, node 0 (add): operand 1 (value 1) is not defined in this graph',
      '@raw: result 1 (value 3) is not defined in this graph',
    ]);
  });

  it('finds nodes out of order', () => {
    const r = new Raw();
    const x = r.param('x');
    const late = r.value();
    const y = r.node('neg', [late], [r.value()]);
    r.node('neg', [x], [late]);
    expect(verifyGraph(r.graph([y]))).toEqual([
      '@raw, node 0 (neg): operand 0 (value 1) is defined later: nodes out of order',
    ]);
  });

  it('finds types that inference does not give, and operands that it refuses', () => {
    const r = new Raw();
    const x = r.param('x');
    const z = r.param('z', f3);
    const wrong = r.node('neg', [x], [r.value(f3)]);
    r.node('add', [x, z], [r.value()]);
    r.node('add', [x], [r.value()]);
    r.node('reduce_sum', [x], [r.value()]);
    r.node('neg', [x], [r.value(), r.value(f2, 1)]);
    const errors = verifyGraph(r.graph([wrong]));
    expect(errors[0]).toBe('@raw, node 0 (neg): its type is f32[3], but inference gives f32[2]');
    expect(errors[1]).toMatch(/node 1 \(add\).*add_c2/s);
    expect(errors[2]).toMatch(/node 2 \(add\): add: takes 2 operand\(s\), got 1/);
    expect(errors[3]).toMatch(/node 3 \(reduce_sum\)/);
    expect(errors[4]).toMatch(/its type is f32\[2\], f32\[2\], but inference gives f32\[2\]/);
    expect(errors.length).toBe(5);
  });

  it('finds duplicate and unprintable parameter names', () => {
    const r = new Raw();
    r.param('x');
    r.param('x');
    r.param('0');
    expect(verifyGraph(r.graph([]))).toEqual([
      '@raw: two parameters are named %x',
      expect.stringMatching(/the parameter name '0'/),
    ]);
  });

  it('finds ids and outputs that are taken', () => {
    const r = new Raw();
    const x = r.param('x');
    const y = r.value();
    r.node('neg', [x], [y]);
    r.node('neg', [x], [y]); // y now points to this one
    r.nodes.push(new Node(7, opByName('neg'), [x], {}, [new Value(99, f2, 0)], []));
    const errors = verifyGraph(r.graph([y]));
    expect(errors).toEqual([
      '@raw, node 0 (neg): output 0 does not point back to its node',
      '@raw, node 1 (neg): output 0 (value 1) is defined before',
      '@raw, node 1 (neg): output 0 has the id 1, which is taken or too large',
      '@raw, node 7 (neg): its id is 7, its position 2',
      '@raw, node 7 (neg): output 0 has the id 99, which is taken or too large',
    ]);
  });

  it('finds a state that is assigned twice', () => {
    const b = new Builder('twice');
    const s = b.param(stateType(f2), 's');
    const x = b.call('read', [s]);
    const one = b.call('assign', [s, b.mul(x, 2)]);
    const two = b.call('assign', [s, b.mul(x, 3)]);
    expect(verifyGraph(b.build([one, two]))).toEqual([
      expect.stringMatching(/node \d+ \(assign\): the state %s is assigned twice, first by node \d+/),
    ]);
  });

  it('finds regions that do not fit, errors inside of them, and regions where none belong', () => {
    const r = new Raw();
    const x = r.param('x');
    const inner = new Raw();
    const v = inner.param('v');
    const bad = inner.graph([inner.node('add', [v, x], [inner.value()])]);
    r.node('call', [x], [r.value()], {}, [bad]);
    r.node('neg', [x], [r.value()], {}, [bad]);
    const p = r.param('p', f3);
    r.node('call', [p], [r.value()], {}, [parseGraph('func @g(%x: f32[2]) -> f32[2] {\n return %x\n}')]);
    const errors = verifyGraph(r.graph([]));
    expect(errors[0]).toBe(
      '@raw, node 0 (call): in a region: @raw, node 0 (add): operand 1 (%x) is not defined in this graph',
    );
    expect(errors[1]).toBe('@raw, node 1 (neg): it carries regions, and is no control flow');
    expect(errors.some((e) => /node 2 \(call\).*call_c2/s.test(e))).toBe(true);
  });

  it('finds ops that are not registered', () => {
    const r = new Raw();
    const x = r.param('x');
    const y = r.value();
    r.nodes.push(new Node(0, { ...opByName('neg') }, [x], {}, [y], []));
    expect(verifyGraph(r.graph([y]))).toEqual(["@raw, node 0 (neg): the op 'neg' is not a registered one"]);
  });
});

describe('errors in the text', () => {
  const r = new Raw();
  const x = r.param('x');
  const wrong = r.node('neg', [x], [r.value(f3)]);
  r.node('neg', [wrong], [r.value(f3)]);
  const broken = r.graph([r.value()]);

  it('stand under their lines, those of the graph at the end', () => {
    expect(printWithErrors(broken)).toBe(`func @raw(%x: f32[2]) -> f32[2] {
  %0 : f32[3] = neg %x
  ; error: its type is f32[3], but inference gives f32[2]
  %1 : f32[3] = neg %0
  return %undefined3
}
; error: result 0 (value 3) is not defined in this graph`);
  });

  it('come all together in the exception', () => {
    const check = () => checkGraph(broken);
    expect(check).toThrow(VerifyError);
    expect(check).toThrow(/its type is f32\[3\].*result 0/s);
  });
});
