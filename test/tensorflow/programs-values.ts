// Programs of complex and random numbers, lists, tables and Variables.

import { attr, floats, ints, one } from './case.ts';
import { constant, f32, func, type Node, type Program, text } from './program.ts';

const float = (...x: number[]) => constant(floats(x));
const int = (...x: number[]) => constant(ints(x));
const int0 = (x: number) => constant(one(x));
const element = { element_dtype: attr.type('float32') };
const list = { dtype: attr.type('float32') };
const shared = (name: string, shape: number[]) => ({ ...list, shape: attr.shape(shape), shared_name: attr.text(name) });
const tableOf = { key_dtype: attr.type('int32'), value_dtype: attr.type('float32') };

const complex: Program = {
  name: 'complex numbers',
  inputs: { re: floats([3, 0]), im: floats([4, -2]) },
  nodes: {
    z: ['Complex', ['re', 'im']],
    size: ['ComplexAbs', ['z']],
    angle: ['Angle', ['z']],
    conj: ['Conj', ['z']],
    part: ['Imag', ['conj']],
    product: ['Mul', ['z', 'conj']],
    real: ['Real', ['product']],
    f: ['FFT', ['z']],
    fRe: ['Real', ['f']],
    fIm: ['Imag', ['f']],
    back: ['IFFT', ['f']],
    backIm: ['Imag', ['back']],
    row: constant(ints([1, 2])),
    plane: ['Reshape', ['z', 'row']],
    f2: ['FFT2D', ['plane']],
    f2Re: ['Real', ['f2']],
    back2: ['IFFT2D', ['f2']],
    back2Im: ['Imag', ['back2']],
    four: constant(ints([4])),
    signal: float(1, 2, 3, 4),
    r: ['RFFT', ['signal', 'four']],
    rIm: ['Imag', ['r']],
    again: ['IRFFT', ['r', 'four']],
    square: ['Reshape', ['signal', 'twos']],
    twos: constant(ints([2, 2])),
    r2: ['RFFT2D', ['square', 'twos']],
    r2Re: ['Real', ['r2']],
  },
  want: {
    size: [5, 2],
    angle: [Math.atan2(4, 3), -Math.PI / 2],
    part: [-4, 2],
    real: [25, 4],
    fRe: [3, 3],
    fIm: [2, 6],
    backIm: [4, -2],
    f2Re: [3, 3],
    back2Im: [4, -2],
    rIm: [0, 2, 0],
    again: [1, 2, 3, 4],
    r2Re: [10, -2, -4, 0],
  },
};

const draw =
  (inputs: string[], extra: object = {}): ((op: string) => Node) =>
  (op) => [op, inputs, { ...f32, ...extra }];
const within = (low: number, high: number) => (x: readonly number[]) =>
  x.length === 100 && x.every((v) => v >= low && v < high) && new Set(x).size > 1;
const mean = (x: readonly number[]) => x.reduce((s, v) => s + v, 0) / x.length;
const random: Program = {
  name: 'random numbers',
  once: true,
  nodes: {
    n: int(100),
    seed: int(3, 4),
    alpha: constant(floats([4], [])),
    low: int0(3),
    high: int0(7),
    hundred: int0(100),
    logits: constant(floats([0, -1000], [1, 2])),
    range: ['Range', ['zero', 'hundred', 'unit']],
    zero: int0(0),
    unit: int0(1),
    uniform: draw(['n'])('RandomUniform'),
    whole: ['RandomUniformInt', ['n', 'low', 'high']],
    normal: draw(['n'])('RandomStandardNormal'),
    cut: draw(['n'])('TruncatedNormal'),
    gamma: ['RandomGamma', ['n', 'alpha'], { S: attr.type('int32'), T: attr.type('float32') }],
    shuffled: ['RandomShuffle', ['range']],
    drawn: ['Multinomial', ['logits', 'hundred']],
    sUniform: draw(['n', 'seed'])('StatelessRandomUniform'),
    sNormal: draw(['n', 'seed'])('StatelessRandomNormal'),
    sCut: draw(['n', 'seed'])('StatelessTruncatedNormal'),
    key: ['StatelessRandomGetKeyCounter', ['seed']],
    algorithm: ['StatelessRandomGetAlg', []],
    uniformV2: ['StatelessRandomUniformV2', ['n', 'key', 'key:1', 'algorithm'], f32],
    normalV2: ['StatelessRandomNormalV2', ['n', 'key', 'key:1', 'algorithm'], f32],
    cutV2: ['StatelessTruncatedNormalV2', ['n', 'key', 'key:1', 'algorithm'], f32],
    wholeV1: ['StatelessRandomUniformInt', ['n', 'seed', 'low', 'high']],
    wholeV2: ['StatelessRandomUniformIntV2', ['n', 'key', 'key:1', 'algorithm', 'low', 'high']],
    sDrawn: ['StatelessMultinomial', ['logits', 'hundred', 'seed']],
  },
  want: {
    uniform: within(0, 1),
    whole: within(3, 7),
    normal: (x) => within(-6, 6)(x) && Math.abs(mean(x)) < 0.5,
    cut: within(-2, 2.0001),
    gamma: (x) => within(0, 40)(x) && Math.abs(mean(x) - 4) < 1.5,
    shuffled: (x) => [...x].sort((p, q) => p - q).every((v, i) => v === i) && x.some((v, i) => v !== i),
    drawn: (x) => x.length === 100 && x.every((v) => v === 0),
    sUniform: within(0, 1),
    sNormal: (x) => within(-6, 6)(x) && Math.abs(mean(x)) < 0.5,
    sCut: within(-2, 2.0001),
    uniformV2: within(0, 1),
    normalV2: within(-6, 6),
    cutV2: within(-2, 2.0001),
    wholeV1: within(3, 7),
    wholeV2: within(3, 7),
    sDrawn: (x) => x.length === 100 && x.every((v) => v === 0),
  },
};

const lists: Program = {
  name: 'TensorLists',
  inputs: { x: floats([1, 2, 3, 4, 5, 6], [3, 2]), at: ints([1], []) },
  nodes: {
    shape: int(2),
    anyRow: int(-1, 2),
    three: int0(3),
    zero: int0(0),
    five: int0(5),
    row: float(8, 9),
    empty: ['EmptyTensorList', ['shape', 'three'], element],
    pushed: ['TensorListPushBack', ['empty', 'row'], element],
    popped: ['TensorListPopBack', ['pushed', 'shape'], element],
    left: ['TensorListLength', ['popped:0']],
    reserved: ['TensorListReserve', ['shape', 'three'], element],
    set: ['TensorListSetItem', ['reserved', 'zero', 'row'], element],
    setAt: ['TensorListSetItem', ['set', 'at', 'row'], element],
    stack: ['TensorListStack', ['setAt', 'shape'], element],
    from: ['TensorListFromTensor', ['x', 'shape'], element],
    got: ['TensorListGetItem', ['from', 'zero', 'shape'], element],
    gotAt: ['TensorListGetItem', ['from', 'at', 'shape'], element],
    some: int(2, 0),
    gathered: ['TensorListGather', ['from', 'some', 'shape'], element],
    resized: ['TensorListResize', ['from', 'five']],
    longer: ['TensorListStack', ['resized', 'shape'], element],
    both: ['TensorListConcatLists', ['from', 'pushed'], element],
    bothLength: ['TensorListLength', ['both']],
    announced: ['TensorListElementShape', ['reserved'], { shape_type: attr.type('int32') }],
    lengths: int(1, 2),
    split: ['TensorListSplit', ['x', 'anyRow', 'lengths'], element],
    joined: ['TensorListConcat', ['split'], { ...element, element_shape: attr.shape([-1, 2]) }],
    joinedV2: ['TensorListConcatV2', ['split', 'anyRow'], element],
    rows: constant(floats([1, 2, 3, 4], [2, 2])),
    scattered: ['TensorListScatter', ['rows', 'some', 'shape'], element],
    scatteredStack: ['TensorListStack', ['scattered', 'shape'], element],
    four: int0(4),
    scatteredV2: ['TensorListScatterV2', ['rows', 'some', 'shape', 'four'], element],
    v2Length: ['TensorListLength', ['scatteredV2']],
    into: ['TensorListScatterIntoExistingList', ['from', 'rows', 'some'], element],
    intoStack: ['TensorListStack', ['into', 'shape'], element],
  },
  want: {
    'popped:1': [8, 9],
    left: [0],
    stack: [8, 9, 8, 9, 0, 0],
    got: [1, 2],
    gotAt: [3, 4],
    gathered: [5, 6, 1, 2],
    longer: [1, 2, 3, 4, 5, 6, 0, 0, 0, 0],
    bothLength: [4],
    announced: [2],
    joined: [1, 2, 3, 4, 5, 6],
    'joinedV2:1': [1, 2],
    scatteredStack: [3, 4, 0, 0, 1, 2],
    v2Length: [4],
    intoStack: [3, 4, 3, 4, 1, 2],
  },
};

const arrays: Program = {
  name: 'TensorArrays',
  inputs: { x: floats([1, 2, 3, 4], [2, 2]) },
  nodes: {
    two: int0(2),
    zero: int0(0),
    unit: int0(1),
    all: int(1, 0),
    row: float(8, 9),
    a: ['TensorArrayV3', ['two'], list],
    flow: ['TensorArrayScatterV3', ['a', 'all', 'x', 'a:1']],
    read: ['TensorArrayReadV3', ['a', 'zero', 'flow']],
    flow2: ['TensorArrayWriteV3', ['a', 'unit', 'row', 'flow']],
    gathered: ['TensorArrayGatherV3', ['a', 'all', 'flow2'], { element_shape: attr.shape([2]) }],
    size: ['TensorArraySizeV3', ['a', 'flow2']],
    joined: ['TensorArrayConcatV3', ['a', 'flow2']],
    lengths: int(1, 1),
    cut: ['TensorArraySplitV3', ['a', 'x', 'lengths', 'a:1']],
    cutRead: ['TensorArrayReadV3', ['a', 'unit', 'cut']],
    close: ['TensorArrayCloseV3', ['a']],
    after: ['Identity', ['read', '^close']],
  },
  want: {
    read: [3, 4],
    gathered: [8, 9, 3, 4],
    size: [2],
    'joined:0': [3, 4, 8, 9],
    'joined:1': [2, 2],
    cutRead: [3, 4],
    after: [3, 4],
  },
};

const tables: Program = {
  name: 'lookup tables',
  inputs: { keys: ints([7, 5, 6]) },
  nodes: Object.fromEntries(
    [
      ['HashTableV2', 'LookupTableImportV2', 'LookupTableFindV2', 'LookupTableSizeV2'],
      ['HashTable', 'LookupTableImport', 'LookupTableFind', 'LookupTableSize'],
      ['MutableHashTableV2', 'LookupTableInsertV2', 'LookupTableFindV2', 'LookupTableSizeV2'],
      ['HashTableV2', 'InitializeTableV2', 'LookupTableFindV2', 'LookupTableSizeV2'],
      ['HashTable', 'InitializeTable', 'LookupTableFind', 'LookupTableSize'],
    ]
      .flatMap(([table, fill, find, size], i): [string, Node][] => [
        [`t${i}`, [table, [], tableOf]],
        [`fill${i}`, [fill, [`t${i}`, 'given', 'values']]],
        [`find${i}`, [find, [`t${i}`, 'keys', 'fallback', `^fill${i}`]]],
        [`size${i}`, [size, [`t${i}`, `^fill${i}`]]],
      ])
      .concat([
        ['given', int(7, 5)],
        ['values', float(70, 50)],
        ['fallback', constant(floats([-1], []))],
      ]),
  ),
  want: Object.fromEntries(
    [0, 1, 2, 3, 4].flatMap((i) => [[`find${i}`, [70, 50, -1]] as const, [`size${i}`, [2]] as const]),
  ),
};

/** Each step waits for the one before. */
const steps = (first: string, ops: readonly (readonly [op: string, inputs: string[]])[]): Record<string, Node> =>
  Object.fromEntries(
    ops.map(([op, inputs], i) => [`s${i}`, [op, ['v', ...inputs, `^${i === 0 ? first : `s${i - 1}`}`]] as Node]),
  );
const indices = {
  unit: int0(1),
  rows: int(0, 2),
  row: int(1),
  up: float(10, 20),
  one: float(5),
  start: float(1, 2, 3),
  ones: float(1, 1, 1),
};

const resources: Program = {
  name: 'Variables',
  once: true,
  nodes: {
    ...indices,
    v: ['VarHandleOp', [], shared('v', [3])],
    before: ['VarIsInitializedOp', ['v']],
    init: ['AssignVariableOp', ['v', 'start', '^before']],
    ...steps('init', [
      ['AssignAddVariableOp', ['ones']],
      ['ResourceScatterAdd', ['rows', 'up']],
      ['ResourceScatterSub', ['row', 'one']],
      ['ResourceScatterMax', ['row', 'one']],
      ['ResourceScatterMin', ['rows', 'up']],
      ['ResourceScatterUpdate', ['row', 'one']],
      ['AssignSubVariableOp', ['ones']],
    ]),
    read: ['ReadVariableOp', ['v', '^s6'], list],
    after: ['VarIsInitializedOp', ['v', '^s6']],
    some: ['ResourceGather', ['v', 'rows', '^s6']],
    places: constant(ints([2], [1, 1])),
    nd: ['ResourceGatherNd', ['v', 'places', '^s6']],
    shape: ['VariableShape', ['v', '^s6']],
    copy: ['AssignVariableOp', ['w', 'read']],
    w: ['VarHandleOp', [], shared('w', [3])],
    wRead: ['ReadVariableOp', ['w', '^copy'], list],
    trigger: ['ControlTrigger', ['^copy']],
    noted: ['NoOp', ['^trigger', '^print']],
    words: text('a'),
    print: ['PrintV2', ['words']],
    holds: ['Assert', ['after', 'read']],
    last: ['Identity', ['wRead', '^noted', '^holds']],
  },
  // [1 2 3] + 1; rows 0, 2 + [10 20]; row 1 - 5, at least 5; rows 0, 2 at most [10 20]; row 1 = 5; - 1
  want: { before: [0], read: [9, 4, 19], after: [1], some: [9, 19], nd: [19], shape: [3], last: [9, 4, 19] },
};

const references: Program = {
  name: 'Variables of TensorFlow 1',
  once: true,
  nodes: {
    ...indices,
    v: ['VariableV2', [], shared('v1', [3])],
    u: ['Variable', [], shared('u1', [3])],
    init: ['Assign', ['v', 'start']],
    ...steps('init', [
      ['AssignAdd', ['ones']],
      ['ScatterAdd', ['rows', 'up']],
      ['ScatterSub', ['row', 'one']],
      ['ScatterUpdate', ['row', 'one']],
      ['AssignSub', ['ones']],
    ]),
    read: ['Identity', ['s4']],
    there: ['IsVariableInitialized', ['u']],
    twice: ['Add', ['s4', 's4']],
  },
  want: { twice: [22, 8, 46], there: [0] },
};

const calls: Program = {
  name: 'calls of functions',
  inputs: { x: floats([1, 2]) },
  functions: {
    twice: { inputs: ['a'], outputs: { r: 'sum:z:0' }, nodes: { sum: ['AddV2', ['a', 'a']] } },
    // Its effect is a control result only.
    counts: {
      inputs: ['h', 'a'],
      outputs: { r: 'same:output:0' },
      nodes: { up: ['AssignVariableOp', ['h', 'a']], same: ['Identity', ['a']] },
      control: ['up'],
    },
  },
  nodes: {
    inner: ['PartitionedCall', ['x'], { f: func('twice') }],
    named: ['twice', ['inner']],
    h: ['VarHandleOp', [], shared('h', [2])],
    outer: ['StatefulPartitionedCall', ['h', 'x'], { f: func('counts') }],
    read: ['ReadVariableOp', ['h', '^outer'], list],
  },
  want: { named: [4, 8], outer: [1, 2], read: [1, 2] },
  once: true,
};

export const valuePrograms: readonly Program[] = [complex, random, lists, arrays, tables, resources, references, calls];
