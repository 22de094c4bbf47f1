// Programs of loops and branches, as TensorFlow 1 and 2 write them.

import { attr, bools, floats, ints, one, oneFloat } from './case.ts';
import { constant, type FunctionBody, func, type Node, type Program } from './program.ts';

const int0 = (x: number) => constant(one(x));
const float0 = (x: number) => constant(oneFloat(x));
const frame = (name: string, fixed = false) => ({ frame_name: attr.text(name), is_constant: attr.bool(fixed) });

/** The same node, in the iteration that another node is in. */
const after = ([op, inputs, attrs]: Node, control: string): Node => [op, [...inputs, control], attrs];

/** i = 0, y = x; while i < n: i += 1, y = y * c + i; with n and c as they come. */
const loop = (prefix: string, x: string, n: string, c: string, name = `${prefix}frame`): Record<string, Node> => {
  const p = (s: string) => `${prefix}${s}`;
  return {
    [p('zero')]: int0(0),
    [p('enterI')]: ['Enter', [p('zero')], frame(name)],
    [p('enterY')]: ['Enter', [x], frame(name)],
    [p('enterN')]: ['Enter', [n], frame(name, true)],
    [p('enterC')]: ['Enter', [c], frame(name, true)],
    [p('mergeI')]: ['Merge', [p('enterI'), p('nextI')]],
    [p('mergeY')]: ['Merge', [p('enterY'), p('nextY')]],
    [p('less')]: ['Less', [p('mergeI'), p('enterN')]],
    [p('cond')]: ['LoopCond', [p('less')]],
    [p('switchI')]: ['Switch', [p('mergeI'), p('cond')]],
    [p('switchY')]: ['Switch', [p('mergeY'), p('cond')]],
    [p('pivot')]: ['Identity', [`${p('switchI')}:1`]],
    [p('unit')]: after(int0(1), `^${p('pivot')}`),
    [p('addI')]: ['AddV2', [p('pivot'), p('unit')]],
    [p('asFloat')]: ['Cast', [p('addI')], { SrcT: attr.type('int32'), DstT: attr.type('float32') }],
    [p('mul')]: ['Mul', [`${p('switchY')}:1`, p('enterC')]],
    [p('addY')]: ['AddV2', [p('mul'), p('asFloat')]],
    [p('nextI')]: ['NextIteration', [p('addI')]],
    [p('nextY')]: ['NextIteration', [p('addY')]],
    [p('exitY')]: ['Exit', [p('switchY')]],
    [p('exitI')]: ['Exit', [p('switchI')]],
  };
};
const ran = (x: number, n: number, c: number): number => {
  let y = x;
  for (let i = 1; i <= n; i++) y = y * c + i;
  return y;
};

const lengths: readonly { runs?: Node; n: number; inputs: Program['inputs'] }[] = [
  { runs: constant(one(20)), n: 20, inputs: {} },
  { n: 7, inputs: { runs: ints([7], []) } },
];
const loops = lengths.map(
  ({ runs, n, inputs }): Program => ({
    name: `a loop of switches, ${runs ? 'of known length' : 'whose length is an input'}`,
    inputs: { x: floats([1, 2]), ...inputs },
    nodes: { ...(runs ? { runs } : {}), c: float0(0.5), ...loop('', 'x', 'runs', 'c'), after: ['Neg', ['exitY']] },
    want: { after: [-ran(1, n, 0.5), -ran(2, n, 0.5)], exitI: [n] },
  }),
);

/** A loop in the body of a loop: the inner one runs as often as the outer one's counter says. */
const nested: Program = {
  name: 'a loop in a loop',
  inputs: { x: floats([1]), runs: ints([3], []) },
  nodes: {
    one: float0(1),
    zero: int0(0),
    eI: ['Enter', ['zero'], frame('outer')],
    eY: ['Enter', ['x'], frame('outer')],
    eN: ['Enter', ['runs'], frame('outer', true)],
    eC: ['Enter', ['one'], frame('outer', true)],
    mI: ['Merge', ['eI', 'nI']],
    mY: ['Merge', ['eY', 'nY']],
    test: ['Less', ['mI', 'eN']],
    go: ['LoopCond', ['test']],
    sI: ['Switch', ['mI', 'go']],
    sY: ['Switch', ['mY', 'go']],
    ...loop('in', 'sY:1', 'sI:1', 'eC', 'inner'),
    inzero: after(int0(0), '^sIpass'),
    unit: after(int0(1), '^sIpass'),
    sIpass: ['Identity', ['sI:1']],
    add: ['AddV2', ['sIpass', 'unit']],
    nI: ['NextIteration', ['add']],
    nY: ['NextIteration', ['inexitY']],
    out: ['Exit', ['sY']],
  },
  // 1 + (nothing) + (1) + (1 + 2)
  want: { out: [5] },
};

/** p ? -x : (q ? x + x : x * x), as switches and merges. */
const choice: Program = {
  name: 'choices of switches, one inside of the other',
  inputs: { x: floats([3]), p: bools([0], []), q: bools([1], []) },
  nodes: {
    pId: ['Identity', ['p']],
    sx: ['Switch', ['x', 'pId']],
    neg: ['Neg', ['sx:1']],
    sq: ['Switch', ['q', 'pId']],
    inner: ['Switch', ['sx', 'sq']],
    twice: ['AddV2', ['inner:1', 'inner:1']],
    square: ['Square', ['inner']],
    mq: ['Merge', ['square', 'twice']],
    mp: ['Merge', ['mq', 'neg']],
    after: ['AddV2', ['mp', 'x']],
  },
  want: { after: [9], 'mp:1': [0] },
};
const otherwise = (name: string, p: number, q: number, want: number[], branch: number): Program => ({
  ...choice,
  name: `${choice.name}: ${name}`,
  inputs: { x: floats([3]), p: bools([p], []), q: bools([q], []) },
  want: { after: want, 'mp:1': [branch] },
});

/** Where the predicate is known, a switch without merge has a value on one side. */
const dead: Program = {
  name: 'a switch without merge',
  inputs: { x: floats([3]) },
  nodes: {
    yes: constant({ ...bools([1], []), constant: true }),
    s: ['Switch', ['x', 'yes']],
    r: ['RefSwitch', ['x', 'yes']],
    y: ['Neg', ['s:1']],
    z: ['Neg', ['r:1']],
  },
  want: { y: [-3], z: [-3] },
};

const branches: Readonly<Record<string, FunctionBody>> = {
  neg: { inputs: ['x'], outputs: { y: 'n:y:0' }, nodes: { n: ['Neg', ['x']] } },
  twice: { inputs: ['x'], outputs: { y: 'a:z:0' }, nodes: { a: ['AddV2', ['x', 'x']] } },
  test: { inputs: ['i', 'x', 'n'], outputs: { go: 'l:z:0' }, nodes: { l: ['Less', ['i', 'n']] } },
  step: {
    inputs: ['i', 'x', 'n'],
    outputs: { i2: 'a:z:0', x2: 't:z:0', n2: 'n' },
    nodes: { unit: int0(1), a: ['AddV2', ['i', 'unit:output:0']], t: ['AddV2', ['x', 'x']] },
  },
};
const functional = (p: number, k: number): Program => {
  const chosen = { then_branch: func('neg'), else_branch: func('twice') };
  const cases = { branches: { list: { func: ['neg', 'twice'].map((name) => ({ name })) } } };
  const loops = { cond: func('test'), body: func('step') };
  return {
    name: `functional control flow, predicate ${p}, index ${k}`,
    inputs: { x: floats([3]), p: bools([p], []), k: ints([k], []) },
    functions: branches,
    nodes: {
      zero: int0(0),
      a: ['If', ['p', 'x'], chosen],
      b: ['StatelessIf', ['k', 'x'], chosen],
      c: ['Case', ['k', 'x'], cases],
      d: ['StatelessCase', ['k', 'x'], cases],
      e: ['While', ['zero', 'x', 'k'], loops],
      f: ['StatelessWhile', ['zero', 'x', 'k'], loops],
    },
    want: {
      a: [p ? -3 : 6],
      b: [k ? -3 : 6],
      c: [k === 0 ? -3 : 6],
      d: [k === 0 ? -3 : 6],
      'e:1': [3 * 2 ** k],
      'f:1': [3 * 2 ** k],
    },
  };
};

/** A list that grows in a loop: written out where the number of runs is known. */
const growing: Program = {
  name: 'a list that grows in a loop',
  inputs: { x: floats([3]) },
  functions: {
    test: {
      inputs: ['i', 'list', 'x'],
      outputs: { go: 'l:z:0' },
      nodes: { n: int0(6), l: ['Less', ['i', 'n:output:0']] },
    },
    step: {
      inputs: ['i', 'list', 'x'],
      outputs: { i2: 'a:z:0', list2: 'p:output_handle:0', x2: 't:z:0' },
      nodes: {
        unit: int0(1),
        a: ['AddV2', ['i', 'unit:output:0']],
        t: ['AddV2', ['x', 'x']],
        p: ['TensorListPushBack', ['list', 'x']],
      },
    },
  },
  nodes: {
    zero: int0(0),
    most: int0(9),
    shape: constant(ints([1])),
    list: ['EmptyTensorList', ['shape', 'most'], { element_dtype: attr.type('float32') }],
    w: ['StatelessWhile', ['zero', 'list', 'x'], { cond: func('test'), body: func('step') }],
    all: ['TensorListStack', ['w:1', 'shape'], { element_dtype: attr.type('float32') }],
  },
  want: { all: [3, 6, 12, 24, 48, 96] },
};

export const controlPrograms: readonly Program[] = [
  ...loops,
  nested,
  choice,
  otherwise('the other inner branch', 0, 0, [12], 0),
  otherwise('the other outer branch', 1, 0, [0], 1),
  dead,
  functional(0, 0),
  functional(1, 1),
  functional(1, 5),
  growing,
];
