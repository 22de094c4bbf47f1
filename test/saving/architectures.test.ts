// Random architectures through every format: the same predictions, and the same description.

import fc from 'fast-check';
import * as tf from 'sinter';
import { beforeAll, expect, it } from 'vitest';

const L = tf.layers;
beforeAll(() => tf.ready());

const activation = fc.constantFrom('relu', 'tanh', 'hardSigmoid', 'gelu', 'linear', 'logSoftmax');
const initializer = fc.constantFrom('glorotNormal', 'heUniform', 'orthogonal', 'leCunNormal', 'randomNormal');
const regularizer = fc.constantFrom(null, 'l1', 'l2', 'l1l2');
const constraint = fc.constantFrom(null, 'maxNorm', 'nonNeg', 'unitNorm', 'minMaxNorm');
const units = fc.integer({ min: 1, max: 4 });

/** A layer on [batch, 4 steps, features], of the same rank. */
const layer: fc.Arbitrary<() => tf.Layer> = fc.oneof(
  fc
    .record({
      units,
      activation,
      useBias: fc.boolean(),
      kernelInitializer: initializer,
      kernelRegularizer: regularizer,
      kernelConstraint: constraint,
    })
    .map((o) => () => L.dense({ ...o })),
  fc
    .record({ units, goBackwards: fc.boolean(), unitForgetBias: fc.boolean() })
    .map((o) => () => L.lstm({ ...o, returnSequences: true })),
  fc.record({ units, resetAfter: fc.boolean() }).map((o) => () => L.gru({ ...o, returnSequences: true })),
  fc
    .record({ filters: units, kernelSize: fc.constantFrom(1, 2, 3), activation })
    .map((o) => () => L.conv1d({ ...o, padding: 'same' })),
  fc
    .record({ center: fc.boolean(), scale: fc.boolean(), momentum: fc.constantFrom(0.5, 0.99) })
    .map((o) => () => L.batchNormalization({ ...o })),
  fc.constant(() => L.layerNormalization({})),
  fc
    .record({ rate: fc.constantFrom(0, 0.5), seed: fc.option(fc.integer({ min: 0, max: 9 })) })
    .map((o) => () => L.dropout({ rate: o.rate, seed: o.seed ?? undefined })),
  units.map((n) => () => L.bidirectional({ layer: L.simpleRNN({ units: n, returnSequences: true }) })),
  units.map((n) => () => L.timeDistributed({ layer: L.dense({ units: n }) })),
  units.map((n) => () => tf.sequential({ layers: [L.dense({ units: n }), L.reLU({ maxValue: 1 })] })),
);
/** Layers one after the other, from any earlier place; a layer may be used again. */
const network = fc.array(fc.record({ make: layer, from: fc.nat(20), again: fc.boolean() }), {
  minLength: 1,
  maxLength: 6,
});

function build(parts: readonly { make: () => tf.Layer; from: number; again: boolean }[]): tf.LayersModel {
  const x = tf.input({ shape: [4, 3] });
  const tensors: tf.SymbolicTensor[] = [x];
  for (const { make, from, again } of parts) {
    const source = tensors[from % tensors.length];
    const l = make();
    const out = l.apply(source) as tf.SymbolicTensor;
    tensors.push(again ? (L.average().apply([out, l.apply(source)] as tf.SymbolicTensor[]) as tf.SymbolicTensor) : out);
  }
  return tf.model({ inputs: x, outputs: tensors.slice(1).slice(-2) });
}

it('come back', { timeout: 120_000 }, async () => {
  const input = tf.randomNormal([2, 4, 3], 0, 1, 'float32', 1);
  const values = (m: tf.LayersModel) => [m.predict(input)].flat().map((t: tf.Tensor) => [...t.dataSync()]);
  await fc.assert(
    fc.asyncProperty(network, async (parts) => {
      const model = build(parts);
      const want = values(model);
      const json = model.toJSON();
      for (const format of ['native', 'keras', 'h5']) {
        const loaded = await tf.loadLayersModel(await tf.models.encodeModel(model, format));
        expect(values(loaded)).toEqual(want);
        expect(loaded.toJSON()).toBe(json);
      }
      const again = await tf.models.modelFromYAML(await model.toYAML());
      expect(again.toJSON()).toBe(json);
    }),
    { numRuns: 20, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
});
