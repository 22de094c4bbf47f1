// Every layer is tested by `runLayerTest`.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from 'sinter';
import { expect, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const tests = readdirSync(here)
  .filter((f) => f.endsWith('.test.ts') && f !== 'layers-all.test.ts')
  .map((f) => readFileSync(`${here}/${f}`, 'utf8'))
  .filter((text) => text.includes('runLayerTest('))
  .join('\n');

/** Named by a loop of their test, or no layers of models: functions, bases, and cells, which are tested in layers. */
const others = /^(Layer|RNNCell|deserialize|serialize|input|inputLayer|global\w+Pooling\dd|.*Cells?|.*Pool(ing)?\dd)$/;

test('every layer of tf.layers', () => {
  const names = Object.keys(tf.layers).filter((n) => !others.test(n));
  expect(names.length).toBeGreaterThan(70);
  expect(names.filter((n) => !new RegExp(`layers\\.${n}\\b|'${n}'`).test(tests))).toEqual([]);
});
