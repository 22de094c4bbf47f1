// Reads vitest's JSON report, names what was skipped or failed, and prints the closing line.
// Fails when something failed or when no test ran.

import { existsSync, readFileSync } from 'node:fs';

const file = process.argv[2];
if (!existsSync(file)) {
  console.log('no test report was written');
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
const report = JSON.parse(readFileSync(file, 'utf8'));
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const suite of report.testResults) {
  // A file that does not load has no tests, yet it failed.
  if (suite.status === 'failed' && !suite.assertionResults.some((t) => t.status === 'failed')) {
    counts.failed++;
    console.log(`failed: ${suite.name}: ${suite.message}`);
  }
  for (const t of suite.assertionResults) {
    const kind = t.status === 'passed' || t.status === 'failed' ? t.status : 'skipped';
    counts[kind]++;
    if (kind !== 'passed') console.log(`${kind}: ${t.fullName}`);
  }
}
if (!report.success && counts.failed === 0) counts.failed = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
