// Checks the import rules of .dependency-cruiser.cjs over the library's folders. Fails as well when
// a source file was not seen or no import was found: a parser that cannot read TypeScript reports
// zero modules and no violation.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';
import { cruise } from 'dependency-cruiser';

const config = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const scratch = '.cache/layering';
const folders = ['ir', 'compiler', 'runtime', 'frontends', 'cli'].filter((f) => existsSync(f));
const sources = folders.flatMap((f) =>
  readdirSync(f, { recursive: true })
    .map((p) => join(f, String(p)).replaceAll('\\', '/'))
    .filter((p) => p.endsWith('.ts')),
);

/** Modules and violations of some folders under some rules. */
async function check(roots, rules) {
  const { output } = await cruise(roots, { ...config.options, ruleSet: { forbidden: rules }, validate: true });
  for (const v of output.summary.violations) {
    const via = v.cycle ? ` (cycle: ${v.cycle.map((c) => c.name ?? c).join(' -> ')})` : '';
    console.error(
      `${v.rule.name}: ${v.from} -> ${v.to}${via}\n  ${rules.find((r) => r.name === v.rule.name)?.comment ?? ''}`,
    );
  }
  return { modules: output.modules, violations: output.summary.violations.length };
}

/** Copies the sources without their types, so that only run-time imports are left. */
function eraseTypes() {
  rmSync(scratch, { recursive: true, force: true });
  for (const s of sources) {
    const { code } = transformSync(readFileSync(s, 'utf8'), {
      configFile: false,
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022', transform: { verbatimModuleSyntax: true } },
    });
    mkdirSync(dirname(join(scratch, s)), { recursive: true });
    writeFileSync(join(scratch, s), code);
  }
}

const layers = await check(folders, config.forbidden);
eraseTypes();
const cycles = await check(
  folders.filter((f) => existsSync(join(scratch, f))).map((f) => join(scratch, f)),
  config.erased,
);

const own = layers.modules.filter((m) => sources.includes(m.source));
const edges = own.reduce((n, m) => n + m.dependencies.length, 0);
const erased = cycles.modules.filter((m) => m.source.startsWith(`${scratch}/`));
const missed = sources.filter(
  (s) => !own.some((m) => m.source === s) || !erased.some((m) => m.source === join(scratch, s)),
);
for (const s of missed) console.error(`not cruised: ${s}`);
const unread = own.length === 0 || edges === 0;
if (unread) console.error('no import was found: the sources were not parsed (is @swc/core installed?)');

const violations = layers.violations + cycles.violations;
console.log(`layering: ${own.length} modules, ${edges} dependencies, ${violations} violations`);
process.exit(violations || missed.length || unread ? 1 : 0);
