// The metrics of every epoch as lines of a file.

import { append, readIfThere, writeWhole } from '../../files.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type Logs } from './callback.ts';
import { flagOf, textOf } from './options.ts';

/** Options of `tf.callbacks.csvLogger`. */
export interface CSVLoggerArgs {
  /** Between the columns, by default a comma. */
  separator?: string;
  /** Whether lines are added to a file that is there; by default it starts anew. */
  append?: boolean;
}

const op = 'csvLogger';

/** See `tf.callbacks.csvLogger`. */
export class CSVLogger extends Callback {
  readonly filename: string;
  readonly separator: string;
  readonly #append: boolean;
  #columns: string[] | undefined;
  #resumed = false;

  constructor(filename: string, args: CSVLoggerArgs = {}) {
    super();
    checkOptions(args, ['separator', 'append'], op);
    this.filename = textOf(filename, 'filename', op);
    this.separator = textOf(args?.separator, 'separator', op, ',');
    this.#append = flagOf(args?.append, 'append', op, false);
  }

  override onTrainBegin(): void {
    this.#columns = undefined;
    this.#resumed = false;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.#columns ??= await this.#begin(logs);
    const cells = this.#columns.map((name) => {
      if (name === 'epoch') return String(epoch);
      return name in logs ? String(logs[name]) : 'NA';
    });
    await append(this.filename, this.#line(cells), op);
  }

  /** The columns: those of the file where lines are added to one, else the metrics in order of their names. */
  async #begin(logs: Logs): Promise<string[]> {
    const present = this.#append || this.#resumed ? await readIfThere(this.filename, op) : undefined;
    if (present?.length) {
      const text = new TextDecoder().decode(present);
      if (!text.endsWith('\n')) await append(this.filename, '\n', op);
      return cellsOf(text.slice(0, text.search(/\r?\n|$/)), this.separator);
    }
    // Metrics of validation may be there in some epochs only.
    const validation = this.params.doValidation ? (this.params.metrics ?? []).filter((m) => m.startsWith('val_')) : [];
    const columns = ['epoch', ...[...new Set([...Object.keys(logs), ...validation])].sort()];
    await writeWhole(this.filename, this.#line(columns), op);
    return columns;
  }

  #line(cells: readonly string[]): string {
    const quoted = cells.map((c) =>
      c.includes(this.separator) || /["\r\n]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c,
    );
    return `${quoted.join(this.separator)}\n`;
  }

  override getState() {
    return { values: {} };
  }
  /** A training that goes on adds to its file. */
  override setState(): void {
    this.#resumed = true;
  }
}

/** The cells of a line, quoted ones as they were. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
    const end = quoted ? quoted[0].length : (rest + separator).indexOf(separator);
    cells.push(quoted ? quoted[1].replaceAll('""', '"') : rest.slice(0, end));
    if (end >= rest.length) return cells;
    rest = rest.slice(end + separator.length);
  }
}
