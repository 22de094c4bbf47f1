// The kernel verifier: each rule against a kernel that breaks it. The error stands under its line.

import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../ir/errors.ts';
import { i32, konst, un, variable } from '../../ir/kernel/expr.ts';
import type { Kernel } from '../../ir/kernel/kernel.ts';
import { parseKernel } from '../../ir/kernel/parse.ts';
import { checkKernel, verifyKernel } from '../../ir/kernel/verify.ts';

/** Kernel texts; a line `; error: …` follows the line that is wrong and holds the message. */
const wrong: Readonly<Record<string, string>> = {
  'a store to an input': `
kernel @k(in b0: f32[4], out b1: f32[4]) {
  b0[0] = f32(1)
  ; error: b0 is an input and is stored to
}`,
  'a store of another type': `
kernel @k(out b0: f32[4]) {
  b0[0] = 1
  ; error: b0 holds f32, the value is i32
}`,
  'a call with an operand of another type': `
kernel @k(in b0: f32[4], out b1: f64[4]) {
  b1[0] = @exp(b0[0])
  ; error: exp takes (f64), got (f32) in @exp(b0[0])
}`,
  'a rare case of another type': `
kernel @k(in b0: f32[4], out b1: f32[4]) {
  b1[0] = rare((b0[0] > f32(1)), @exp(f64(1)), b0[0])
  ; error: f64 or f32 as f32 in rare((b0[0] > f32(1)), @exp(f64(1)), b0[0])
}`,
  'half of a float32': `
kernel @k(in b0: f32[4], out b1: i32[4]) {
  b1[0] = hi_word(b0[0])
  ; error: the hi word of f32 as i32 in hi_word(b0[0])
}`,
  'a double of floats': `
kernel @k(in b0: f32[4], out b1: f64[4]) {
  b1[0] = double(b0[0], 0)
  ; error: words of f32 and i32 as f64 in double(b0[0], 0)
}`,
  'a store to no buffer': `
kernel @k(out b0: f32[4]) {
  b1[0] = f32(1)
  ; error: there is no buffer b1
}`,
  'a store past the end': `
kernel @k(out b0: f32[7]) {
  for i = 0 to 4 {
    b0[(i * 2)] = f32(0)
    for j = 0 to 2 {
      b0[((i * 2) + j)] = f32(0)
      ; error: b0[((i * 2) + j)] reaches from 0 to 7, and b0 has 7 elements
    }
  }
}`,
  'a load before the start': `
kernel @k(in b0: f32[7], out b1: f32[7]) {
  for i = 0 to 7 {
    b1[i] = b0[(i - 1)]
    ; error: b0[(i - 1)] reaches from -1 to 5, and b0 has 7 elements
  }
}`,
  'a load far past the end': `
kernel @k(in b0: f32[7], out b1: f32[700]) {
  for i = 0 to 700 step 4 {
    b1[i] = b0[i]
    ; error: b0[i] reaches from 0 to 696, and b0 has 7 elements
  }
}`,
  'operands of two types': `
kernel @k(in b0: f32[4], out b1: f32[4]) {
  b1[0] = (b0[0] + 1)
  ; error: operands of f32 and i32 in (b0[0] + 1)
}`,
  'an index that is no i32': `
kernel @k(in b0: f32[4], out b1: f32[4]) {
  b1[0] = b0[b0[0]]
  ; error: the index is f32, not i32 in b0[b0[0]]
}`,
  'bitwise operations on floats': `
kernel @k(in b0: f32[4], out b1: f32[4]) {
  b1[0] = (b0[0] & b0[1])
  ; error: and of f32
  b1[1] = not(b0[0])
  ; error: not of f32
  b1[2] = (b0[0] << b0[1])
  ; error: shl of f32
}`,
  'float functions of integers': `
kernel @k(in b0: i32[4], out b1: i32[4]) {
  b1[0] = sqrt(b0[0])
  ; error: sqrt of i32
  b1[1] = pmin(b0[0], b0[1])
  ; error: pmin of i32
  b1[2] = fma(b0[0], b0[0], b0[0])
  ; error: operands of i32, i32 and i32
}`,
  'a condition that is no bool': `
kernel @k(in b0: i32[4], out b1: i32[4]) {
  if b0[0] {
    ; error: the condition is i32, not bool
  }
  b1[0] = select(b0[0], 1, 2)
  ; error: the condition is i32, not bool
}`,
  'a choice of two types': `
kernel @k(in b0: i32[4], out b1: i32[4]) {
  b1[0] = select((b0[0] < 0), 1, f32(2))
  ; error: i32 or f32 as i32
}`,
  'arithmetic on booleans': `
kernel @k(in b0: bool[4], out b1: bool[4]) {
  b1[0] = (b0[0] + b0[1])
  ; error: add of bool
  b1[1] = (b0[0] < b0[1])
  ; error: lt of bool
}`,
  'a change of a constant name': `
kernel @k(out b0: i32[4]) {
  let x: i32 = 1
  set x = 2
  ; error: x is not an accumulator
  reduce add y, 1
  ; error: there is no variable y
}`,
  'an accumulator of another type': `
kernel @k(out b0: i32[4]) {
  acc x: f32 = 0
  ; error: it is f32 and starts at a value of i32
  set x = 1
  ; error: x is f32, the value is i32
  reduce and x, f32(1)
  ; error: and does not combine f32
}`,
  'a name in use': `
kernel @k(out b0: i32[4]) {
  let x: i32 = 1
  for x = 0 to 4 {
    ; error: the name x is in scope already
  }
  let b0: i32 = 1
  ; error: b0 is also a buffer
}`,
  'barriers that some threads do not reach': `
kernel @k(out b0: i32[4]) {
  barrier
  single {
    barrier
    ; error: a barrier inside single
  }
  for i = 0 to 4 parallel 1 {
    barrier
    ; error: a barrier inside a parallel loop
  }
  for j = 0 to 4 {
    barrier
  }
}`,
  'parallel loops where only some threads are': `
kernel @k(out b0: i32[4]) {
  for i = 0 to 4 parallel 1 {
    for j = 0 to 4 parallel 1 {
      ; error: a parallel loop inside another
    }
    single {
      ; error: single inside a parallel loop
    }
  }
  single {
    for l = 0 to 4 parallel 1 {
      ; error: a parallel loop inside single
    }
  }
}`,
  'a grain that cuts steps': `
kernel @k(out b0: i32[4]) {
  for i = 0 to 8 step 4 parallel 6 {
    ; error: the grain is 6, with a step of 4
  }
}`,
  'unrolling without constant bounds': `
kernel @k(out b0: i32[4]) {
  for i = 0 to 4 unroll {
    for j = i to (i + 3) unroll {
    }
    for l = 0 to i unroll {
      ; error: an unrolled loop from 0 to i: the bounds must be constant
    }
  }
}`,
  'SIMD in SIMD': `
kernel @k(out b0: i32[4]) {
  for i = 0 to 4 vector {
    for j = 0 to 4 vector {
      ; error: a vector loop inside another
    }
  }
  vec l at 0 lanes 5 {
    ; error: 5 lanes; there are 1 to 4
  }
}`,
  tiles: `
kernel @k(out b0: f32[4]) {
  tile t: f32[2, 8] = 0
  set t{0} = f32(1)
  ; error: the tile t has 2 axes and is indexed by 1
  set t{0, 0} = 1
  ; error: the tile holds f32, the value is i32
  set t{0, 8} = f32(1)
  ; error: the index 8 of the tile t reaches from 8 to 8, and axis 1 has 8
  set u{0} = f32(1)
  ; error: there is no tile u
  b0[0] = t{0, f32(1)}
  ; error: a tile index is f32, not i32
  tile t: f32[8] = 0
  set t{0} = f32(1)
  tile w: f32[0] = 0
  ; error: its dimensions are [0]
}`,
  buffers: `
kernel @k(in b0: f32[4], out b0: f32[4]) {
}
; error: there are two buffers of that name`,
};

describe('the verifier finds', () => {
  it.each(Object.entries(wrong))('%s', (_, text) => {
    const expected = [...text.matchAll(/; error: (.*)/g)].map((m) => m[1]);
    const errors = verifyKernel(parseKernel(text));
    expect(errors.length, errors.join('\n')).toBe(expected.length);
    expected.forEach((e, i) => {
      expect(errors[i]).toContain(e);
    });
  });

  it('what text cannot say', () => {
    const kernel = (body: Kernel['body']): Kernel => ({
      name: 'k',
      buffers: [{ name: 'b0', ty: 'f32', size: 4, role: 'out' }],
      body,
    });
    const errors = (body: Kernel['body']) => verifyKernel(kernel(body)).join('\n');
    expect(errors([{ s: 'let', name: 'x', value: variable('y') }])).toContain('there is no variable y');
    expect(errors([{ s: 'let', name: 'x', value: variable('tid', 'f32') }])).toContain(
      'tid is i32, and is read as f32',
    );
    expect(errors([{ s: 'let', name: 'x', value: { k: 'load', ty: 'i32', buf: 'b0', index: i32(0) } }])).toContain(
      'b0 holds f32, and is read as i32',
    );
    expect(errors([{ s: 'let', name: 'x', value: { k: 'cast', ty: 'i32', a: i32(0) } }])).toContain(
      'a conversion of i32 to itself',
    );
    expect(errors([{ s: 'let', name: 'x', value: { k: 'bits', ty: 'f64', a: i32(0) } }])).toContain(
      'the bits of i32 as f64',
    );
    expect(errors([{ s: 'let', name: 'x', value: konst('i32', 0.5) }])).toContain('the constant 0.5 is no i32');
    expect(errors([{ s: 'let', name: 'x', value: { ...un('neg', konst('f32', 1)), ty: 'f64' } }])).toContain(
      'an operand of f32 gives f64',
    );
  });

  it('everything at once, with the kernel', () => {
    const k = parseKernel('kernel @bad(in b0: f32[4]) {\n  b0[0] = 1\n}');
    expect(verifyKernel(k).length).toBe(2);
    const thrown = (() => {
      try {
        checkKernel(k);
      } catch (e) {
        return e as VerifyError;
      }
      return undefined;
    })();
    expect(thrown).toBeInstanceOf(VerifyError);
    expect(thrown?.message).toContain('@bad does not verify');
    expect(thrown?.message).toContain('in b0: f32[4]');
  });

  it('nothing in a kernel that is right', () => {
    const k = parseKernel(`
kernel @ok(in b0: f32[30], inout b1: f32[30], scratch s0: f32[64]) {
  for i = 0 to 3 parallel 1 {
    acc sum: f32 = f32(0)
    tile t: f32[2, 4] = 0
    for r = 0 to 10 vector copies 2 {
      reduce add sum, b0[((i * 10) + r)]
    }
    for u = 0 to 2 unroll {
      vec j at 0 lanes 4 {
        set t{u, j} = fma(b0[(i + j)], b0[(i + j)], t{u, j})
      }
    }
    let big: bool = (sum > f32(1))
    if big {
      b1[i] = (sum / f32(2))
    } else {
      b1[i] = to_f32(bits_i32(sum))
    }
    s0[((tid * 32) + i)] = sum
  }
  barrier
  single {
    b1[0] = s0[0]
  }
}`);
    expect(verifyKernel(k)).toEqual([]);
  });
});

describe('the parser refuses', () => {
  it.each([
    ['kernel @k() {\n  let x: f32 = 1\n}', 'x is written as f32, and its value is i32'],
    ['kernel @k() {\n  let x: i32 = y\n}', 'there is no variable y'],
    ['kernel @k() {\n  let x: i32 = b[0]\n}', 'there is no buffer b'],
    ['kernel @k() {\n  let x: i32 = (1 ? 2)\n}', "unexpected character '?'"],
    ['kernel @k() {\n  let x: i32 = (1 2)\n}', 'expected an operator'],
    ['kernel @k() {\n  let x: i32 = frob(1)\n}', 'there is no function frob'],
    ['kernel @k() {\n  let x: i32 = max(1)\n}', 'max takes 2 operand(s), got 1'],
    ['kernel @k() {\n  jump 3\n}', "there is no statement 'jump'"],
    ['kernel @k(own b: f32[1]) {\n}', "expected a buffer's role"],
    ['kernel @k(in b: c64[1]) {\n}', 'expected a type'],
    ['kernel @k() {', 'expected a statement, found the end of the text'],
    ['kernel @k() {\n}\n}', 'expected the end of the text'],
  ])('%j', (text, message) => {
    expect(() => parseKernel(text)).toThrow(message);
  });
  it('with the place', () => {
    expect(() => parseKernel('kernel @k() {\n  let x: i32 = y\n}')).toThrow(
      /2:16: .*\n {2} {2}let x: i32 = y\n {2} {15}\^/,
    );
  });
});
