// Kernel functions as WGSL functions. A function that ends in a call of itself becomes a loop: WGSL has no recursion.

import { calledFunctions, kernelFunction } from '../../ir/kernel/functions.ts';
import type { Expr } from '../../ir/kernel/expr.ts';
import { typeText } from './values.ts';
import { nameText, type ShaderParts, Writer } from './writer.ts';

/** The text of every function that is called, those that they call first. */
export function functionTexts(parts: ShaderParts): string[] {
  const roots: Expr[] = [...parts.calls].map((fn) => (kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>).body);
  const names = new Set([...parts.calls, ...calledFunctions(roots)]);
  return [...names].map((fn) => functionText(fn, parts));
}

function functionText(fn: string, parts: ShaderParts): string {
  const f = kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>;
  const w = new Writer(parts);
  const { body } = f;
  const result = typeText(body.ty);
  const params = f.params.map((p) => `p_${p.name}: ${typeText(p.ty)}`).join(', ');
  for (const p of f.params) w.line(`var ${nameText(p.name)} = p_${p.name};`);
  const own = body.k === 'rare' && body.call.k === 'call' && body.call.fn === fn ? body.call : null;
  if (!own || body.k !== 'rare') {
    w.line(`return ${w.value(body)};`);
  } else {
    // The last call's operands take the place of the parameters.
    w.block('loop', () => {
      const [c, other, ...args] = w.values(body.c, body.other, ...own.args);
      w.line(`if (!${c}) { return ${other}; }`);
      const kept = args.map((a) => w.bind(a));
      f.params.forEach((p, i) => {
        w.line(`${nameText(p.name)} = ${kept[i]};`);
      });
    });
  }
  return [`fn k_${fn}(${params}) -> ${result} {`, ...w.lines, '}'].join('\n');
}

