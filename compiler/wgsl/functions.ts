// Kernel functions as WGSL functions: those that need integers only as they are, those of huge angles and remainders
// written for the GPU, and what computes in float64 as a tape (tape64.ts).

import type { Expr } from '../../ir/kernel/expr.ts';
import { calledFunctions, kernelFunction } from '../../ir/kernel/functions.ts';
import { nativeFunctions } from './native-functions.ts';
import { nameText, type ShaderParts } from './parts.ts';
import { tableText, tapeProgram } from './tape64-text.ts';
import { typeText } from './values.ts';
import { Writer } from './writer.ts';

const bodyOf = (fn: string): NonNullable<ReturnType<typeof kernelFunction>> =>
  kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>;

/** The text of every function that is called. */
export function functionTexts(parts: ShaderParts): string[] {
  const native = [...parts.calls].flatMap((fn) => nativeFunctions[fn] ?? []);
  const others = [...parts.calls].filter((fn) => !(fn in nativeFunctions));
  const wide = others.filter((fn) => [...calledFunctions([bodyOf(fn).body]), fn].some((f) => usesDoubles(f)));
  const plain = others.filter((fn) => !wide.includes(fn));
  // Functions of one text share what they need.
  const texts = [...new Set(native), ...plain.map((fn) => functionText(fn, parts))];
  if (wide.length === 0) return texts;
  const { text, table } = tapeProgram(wide);
  return [...texts, tableText(table), text];
}

const usesDoubles = (fn: string): boolean => bodyOf(fn).body.ty === 'f64' || /_f32$/.test(fn);

function functionText(fn: string, parts: ShaderParts): string {
  const f = bodyOf(fn);
  const w = new Writer(parts);
  const { body } = f;
  const params = f.params.map((p) => `p_${p.name}: ${typeText(p.ty)}`).join(', ');
  for (const p of f.params) w.line(`var ${nameText(p.name)} = p_${p.name};`);
  const own = ownCall(fn, body);
  if (!own) {
    w.line(`return ${w.value(body)};`);
  } else {
    // WGSL has no recursion: the last call's operands take the place of the parameters.
    w.block('loop', () => {
      const [c, other, ...args] = w.values(own.c, own.other, ...own.args);
      w.line(`if (!${c}) { return ${other}; }`);
      const kept = args.map((a) => w.bind(a));
      f.params.forEach((p, i) => {
        w.line(`${nameText(p.name)} = ${kept[i]};`);
      });
    });
  }
  return [`fn k_${fn}(${params}) -> ${typeText(body.ty)} {`, ...w.lines, '}'].join('\n');
}

/** The call of itself that is the rare result of a function. */
function ownCall(fn: string, body: Expr): { c: Expr; other: Expr; args: readonly Expr[] } | null {
  if (body.k !== 'rare' || body.call.k !== 'call' || body.call.fn !== fn) return null;
  return { c: body.c, other: body.other, args: body.call.args };
}
