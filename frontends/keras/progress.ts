// The progress bar of training, evaluation and prediction, as Keras prints it: a bar that is drawn again and again
// on a terminal, plain lines elsewhere.

import type { Logs } from './callbacks/callback.ts';

/** Where progress is written to. */
export interface ProgressWriter {
  /** Whether a line can be drawn again: on a terminal. */
  readonly dynamic: boolean;
  /** Characters in a line, where that is known. */
  readonly columns?: number;
  /** Whether to use colours. */
  readonly colours?: boolean;
  /** Writes text; it ends lines by '\n' itself. */
  write(text: string): void;
}

/** Standard output in Node, the console elsewhere. */
export function defaultWriter(): ProgressWriter {
  const out = typeof process === 'undefined' ? undefined : process.stdout;
  if (typeof out?.write !== 'function')
    return {
      dynamic: false,
      write(text) {
        console.log(text.replace(/\n$/, ''));
      },
    };
  const dynamic = out.isTTY === true;
  return {
    dynamic,
    colours: dynamic && !process.env.NO_COLOR,
    get columns() {
      return out.columns;
    },
    write(text) {
      out.write(text);
    },
  };
}

/** Milliseconds between two drawings on a terminal, and between two lines elsewhere. */
const redraw = 50;
const nextLine = 30_000;
const barWidth = 20;

/** Seconds that are left: `12s`, `1:05`, `2:00:01`. */
function clock(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (s > 3600) return `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return s > 60 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${s}s`;
}

/** The time of a step: `2s/step`, `3ms/step`, `45us/step`. */
function pace(seconds: number, unit: string): string {
  if (seconds >= 1 || seconds === 0) return `${seconds.toFixed(0)}s/${unit}`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(0)}ms/${unit}`;
  return `${(seconds * 1e6).toFixed(0)}us/${unit}`;
}

/** A metric: four places, or with an exponent where that would be 0. */
function metricText(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  if (Math.abs(x) > 1e-3) return x.toFixed(4);
  return x.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
}

const metricsText = (logs: Logs): string =>
  Object.entries(logs)
    .map(([name, x]) => ` - ${name}: ${metricText(x)}`)
    .join('');

export interface ProgressBarOptions {
  /** Steps there will be, where that is known. */
  target?: number | null;
  /** 1 a bar, 2 one line at the end. */
  verbose?: number;
  /** What is counted, by default 'step'. */
  unit?: string;
  writer?: ProgressWriter;
  /** The clock, in milliseconds. */
  now?: () => number;
}

/** The progress of one epoch, or of one evaluation or prediction. */
export class ProgressBar {
  readonly #target: number | undefined;
  readonly #verbose: number;
  readonly #unit: string;
  readonly #writer: ProgressWriter;
  readonly #now: () => number;
  readonly #start: number;
  /** When the first steps were done, and how many those were. */
  #first: { readonly time: number; readonly done: number } | undefined;
  #drawn: number;
  #ended = false;

  constructor({ target, verbose = 1, unit = 'step', writer = defaultWriter(), now }: ProgressBarOptions = {}) {
    this.#target = target ?? undefined;
    this.#verbose = verbose;
    this.#unit = unit;
    this.#writer = writer;
    this.#now = now ?? (() => performance.now());
    this.#start = this.#now();
    this.#drawn = this.#start;
  }

  /** Says that so many steps are done; draws, unless it has just done so. */
  update(done: number, logs: Logs): void {
    const now = this.#now();
    this.#first ??= { time: now, done };
    if (this.#verbose !== 1 || this.#ended) return;
    const { dynamic } = this.#writer;
    // The first drawing is at once, so that somebody sees that it began.
    if (now - this.#drawn < (dynamic ? redraw : nextLine) && !(dynamic && this.#drawn === this.#start)) return;
    this.#drawn = now;
    if (dynamic) this.#writer.write(`\r${this.#bar(done, logs, now, false)}\x1b[K`);
    else this.#writer.write(`${this.#line(done, logs, now)}\n`);
  }

  /** Says that all is done, and writes the last line. */
  finish(done: number, logs: Logs): void {
    if (this.#ended || this.#verbose === 0) return;
    this.#ended = true;
    const now = this.#now();
    if (this.#verbose === 1 && this.#writer.dynamic)
      this.#writer.write(`\r${this.#bar(done, logs, now, true)}\x1b[K\n`);
    else this.#writer.write(`${this.#line(done, logs, now)}\n`);
  }

  /** Seconds a step takes; the first, which compiles, counts only where there are no others. */
  #perStep(done: number, now: number): number {
    const first = this.#first;
    if (first && done > first.done) return (now - first.time) / 1e3 / (done - first.done);
    return done > 0 ? (now - this.#start) / 1e3 / done : 0;
  }

  #line(done: number, logs: Logs, now: number): string {
    const elapsed = ((now - this.#start) / 1e3).toFixed(0);
    const step = pace(this.#perStep(done, now), this.#unit);
    return `${this.#count(done)} - ${elapsed}s - ${step}${metricsText(logs)}`;
  }

  /** `12/938`, the first number as wide as the second. */
  #count(done: number): string {
    const target = this.#target;
    if (target === undefined) return this.#ended ? `${done}/${done}` : `${String(done).padStart(7)}/Unknown`;
    return `${String(done).padStart(String(target).length)}/${target}`;
  }

  #bar(done: number, logs: Logs, now: number, ended: boolean): string {
    const target = this.#target ?? (ended ? done : undefined);
    const step = this.#perStep(done, now);
    const elapsed = (now - this.#start) / 1e3;
    const time = ended || target === undefined ? `${elapsed.toFixed(0)}s` : clock(step * Math.max(0, target - done));
    const share = target ? Math.min(1, done / target) : 1;
    const full = target === undefined ? 0 : Math.floor(barWidth * share);
    const shownBar = target === undefined ? '' : ` ${this.#paint(full)}`;
    const head = this.#count(done).length + (target === undefined ? 0 : barWidth + 1) + time.length + 1;
    const rest = ` ${pace(step, this.#unit)}${metricsText(logs)}`;
    // A running line that is wider than the terminal could not be drawn over.
    const room = ended ? Number.POSITIVE_INFINITY : (this.#writer.columns ?? Number.POSITIVE_INFINITY) - head - 1;
    return `${this.#bold(this.#count(done))}${shownBar} ${this.#bold(time)}${rest.slice(0, Math.max(0, room))}`;
  }

  #paint(full: number): string {
    const [a, b] = ['━'.repeat(full), '━'.repeat(barWidth - full)];
    return this.#writer.colours ? `\x1b[32m${a}\x1b[0m\x1b[37m${b}\x1b[0m` : `${a}${'─'.repeat(barWidth - full)}`;
  }
  #bold(text: string): string {
    return this.#writer.colours ? `\x1b[1m${text}\x1b[0m` : text;
  }
}
