// Decisions that the GPU takes for itself: words of memory that say whether what follows runs. A branch sets one for
// each side, a loop one that each of its runs looks at.

import type { GpuKernel } from '../../ir/plan.ts';

/** What a word becomes, where the word it depends on is set; else it becomes 0, or stays where it counts. */
export const rule = { nonzero: 0, equals: 1, outside: 2, above: 3, same: 4, increment: 5, clear: 6 } as const;

/** Arguments: word to write, word to read, word it depends on, rule, operand. */
export const control: GpuKernel = {
  units: [4, 4, 4],
  ops: ['control flow'],
  shaders: [
    {
      name: 'control',
      buffers: [0, 1, 2],
      args: 5,
      heap: 'words',
      enables: [],
      size: 1,
      groups: 1,
      code: `@compute @workgroup_size(1)
fn main() {
  let value = H1[args.a[0].y];
  let runs = H2[args.a[0].z] != 0u;
  let rule = args.a[0].w;
  let operand = args.a[1].x;
  let signed = bitcast<i32>(value);
  var holds = true;
  if (rule == ${rule.nonzero}u) { holds = value != 0u; }
  else if (rule == ${rule.equals}u) { holds = value == operand; }
  else if (rule == ${rule.outside}u) { holds = signed < 0i || value >= operand; }
  else if (rule == ${rule.above}u) { holds = signed > bitcast<i32>(operand); }
  if (rule == ${rule.increment}u) { if (runs) { H0[args.a[0].x] = H0[args.a[0].x] + 1u; } }
  else if (rule == ${rule.clear}u) { if (runs) { H0[args.a[0].x] = 0u; } }
  else { H0[args.a[0].x] = u32(runs && holds); }
}
`,
    },
  ],
};
