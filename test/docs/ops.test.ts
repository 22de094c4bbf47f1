// docs/ops.md says what the sources say, and nothing of TensorFlow.js is missing without a reason.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { refusedOnGpu } from '../../tools/op-coverage/gpu.ts';
import { page } from '../../tools/op-coverage/page.ts';
import { compare } from '../../tools/op-coverage/surface.ts';

const { version, entries, stale } = compare(process.cwd());
const refused = refusedOnGpu();

describe('coverage of TensorFlow.js', () => {
  it('leaves nothing out without a reason', () => {
    expect(entries.filter((e) => e.state === 'missing').map((e) => e.name)).toEqual([]);
  });
  it('gives reasons only for what is left out', () => {
    expect(stale).toEqual([]);
  });
  it('knows names of each kind', () => {
    const state = (name: string) => entries.find((e) => e.name === name)?.state;
    expect(['tf.add', 'tensor.reshape', 'tf.image.transform', 'tf.losses.hingeLoss'].map(state)).toEqual(
      new Array(4).fill('covered'),
    );
    expect(state('tf.engine')).toBe('left out');
    expect(entries.length).toBeGreaterThan(500);
  });
});

describe('the webgpu target', () => {
  it('refuses float64 and nothing else', () => {
    expect(refused.filter((r) => r.dtype !== 'f64')).toEqual([]);
    expect(refused.filter((r) => r.dtype === 'f64').map((r) => r.op)).toEqual(
      expect.arrayContaining(['add', 'dot_general', 'sort', 'convert', 'random_gamma']),
    );
  });
});

describe('docs/ops.md', () => {
  it('is up to date: `npm run op-coverage -- --write` writes it', () => {
    expect(readFileSync('docs/ops.md', 'utf8')).toBe(page(version, entries, refused));
  });
});
