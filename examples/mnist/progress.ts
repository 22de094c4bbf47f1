// Progress on the terminal: a bar where there is one, a few plain lines elsewhere.

import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from './train.ts';

const seconds = (s: number): string =>
  s < 100 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
const numbers = (p: Progress): string =>
  `${p.msPerStep.toFixed(1)} ms/step, loss ${p.loss.toFixed(4)}, accuracy ${p.accuracy.toFixed(4)}`;
const line = (p: Progress): string =>
  `epoch ${p.epoch}/${p.epochs}, step ${p.step}/${p.steps}, ${seconds((p.msPerStep * p.step) / 1e3)}, ${numbers(p)}`;

/** What to call after each step, on a terminal or where the output goes to a file. */
export function progressView(terminal: boolean): (p: Progress) => void {
  return terminal ? bar() : lines();
}

function bar(): (p: Progress) => void {
  let current: SingleBar | undefined;
  return (p) => {
    if (!current) {
      const format = 'epoch {epoch} {bar} {value}/{total}, ETA {left}, {numbers}';
      current = new SingleBar({ format, barsize: 24, hideCursor: true, etaBuffer: 50 }, Presets.shades_classic);
      current.start(p.steps, 0, { epoch: `${p.epoch}/${p.epochs}`, left: '', numbers: '' });
    }
    const left = seconds(((p.steps - p.step) * p.msPerStep) / 1e3);
    current.update(p.step, { epoch: `${p.epoch}/${p.epochs}`, left, numbers: numbers(p) });
    if (p.step < p.steps) return;
    current.stop();
    current = undefined;
  };
}

function lines(): (p: Progress) => void {
  // A line now and then shows that it works, the last one of an epoch is its result.
  const every = 15_000;
  let last = performance.now();
  return (p) => {
    if (p.step < p.steps && performance.now() - last < every) return;
    last = performance.now();
    console.log(line(p));
  };
}
