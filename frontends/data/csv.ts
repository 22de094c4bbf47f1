// `tf.data.csv`: rows of comma-separated values as objects, and `TextLineDataset`.

import { ArgumentError, ParseError, valueText } from '../../ir/errors.ts';
import { checkOptions, didYouMean } from '../keras/engine/names.ts';
import { type Row, RowReader } from './csv-rows.ts';
import { DataIterator, Dataset, type Element } from './dataset.ts';
import { type DataSource, type SourceLike, sourceOf, textPieces } from './sources.ts';

/** What a column holds. */
export interface ColumnConfig {
  /** An empty cell is an error. */
  readonly required?: boolean;
  /** How a cell is read; without it, numbers are numbers and the rest is text. */
  readonly dtype?: 'float32' | 'float64' | 'int32' | 'bool' | 'string';
  /** What an empty cell stands for; without it, undefined, which `batch` makes NaN of. */
  readonly default?: Element;
  /** The column belongs to `ys`. An empty cell is an error. */
  readonly isLabel?: boolean;
}

/** How a file of comma-separated values is read. */
export interface CSVConfig {
  /** Whether the first row holds the names of the columns, true by default. */
  readonly hasHeader?: boolean;
  /** Names of the columns, in the place of those in the file. */
  readonly columnNames?: readonly string[];
  /** Settings of columns by name. */
  readonly columnConfigs?: Readonly<Record<string, ColumnConfig>>;
  /** Whether only columns with settings are read. */
  readonly configuredColumnsOnly?: boolean;
  /** The character between cells, ',' by default. */
  readonly delimiter?: string;
  /** Any run of spaces and tabs divides cells. */
  readonly delimWhitespace?: boolean;
}

const op = 'data.csv';
const dtypes = ['float32', 'float64', 'int32', 'bool', 'string'];

/** Throws ArgumentError for settings that do not exist or contradict each other. */
function checkConfig(config: CSVConfig): void {
  const known = ['hasHeader', 'columnNames', 'columnConfigs', 'configuredColumnsOnly', 'delimiter', 'delimWhitespace'];
  checkOptions(config, known, op);
  for (const [name, column] of Object.entries(config.columnConfigs ?? {})) {
    checkOptions(column, ['required', 'dtype', 'default', 'isLabel'], `${op}: column '${name}'`);
    if (column?.dtype !== undefined && !dtypes.includes(column.dtype))
      throw new ArgumentError(`column '${name}': there is no dtype ${valueText(column.dtype)}`, {
        op,
        fix: didYouMean(String(column.dtype), dtypes),
      });
  }
  if (config.delimWhitespace && config.delimiter !== undefined && config.delimiter !== null)
    throw new ArgumentError('delimWhitespace excludes a delimiter', { op, fix: 'leave one of them out' });
  if (config.configuredColumnsOnly && !config.columnConfigs)
    throw new ArgumentError('configuredColumnsOnly without columnConfigs leaves no columns', {
      op,
      fix: 'name the columns in columnConfigs',
    });
  if (config.hasHeader === false && !config.columnNames)
    throw new ArgumentError('a file without header needs columnNames', { op, fix: 'give the names of all columns' });
}

/** A cell that is not what its column holds. */
function badCell(row: Row, number: number, name: string, message: string, fix: string): ParseError {
  const column = row.cells.length ? number + 1 : 1;
  return new ParseError(`line ${row.line}, column '${name}': ${message}`, row.line, column, { op, fix });
}

/** The value of a cell that is not empty. */
function cellValue(cell: string, dtype: ColumnConfig['dtype'], refuse: (what: string) => ParseError): number | string {
  if (dtype === 'string') return cell;
  const text = cell.trim();
  const x = Number(text);
  if (dtype === 'bool') {
    if (/^(1|true)$/i.test(text)) return 1;
    if (/^(0|false)$/i.test(text)) return 0;
    throw refuse('not true, false, 1 or 0');
  }
  if (!Number.isNaN(x)) return dtype === 'int32' ? Math.floor(x) : x;
  if (dtype === undefined) return cell;
  if (dtype !== 'int32' && /^[-+]?nan$/i.test(text)) return Number.NaN;
  throw refuse('not a number');
}

/** The rows of a source. */
async function* rowsOf(source: DataSource, config: CSVConfig): AsyncGenerator<Row> {
  const whitespace = config.delimWhitespace === true;
  const reader = new RowReader({ delimiter: whitespace ? ' ' : (config.delimiter ?? ','), whitespace }, op);
  for await (const text of textPieces(source)) yield* reader.push(text);
  yield* reader.end();
}

/**
 * The rows of a file as objects `{column: value}`; where columns are labels, `{xs: {…}, ys: {…}}`. Files are read
 * in pieces, anew in each pass. Iterating rejects with ParseError, naming line and column, for rows of another
 * number of cells and for cells that are not what their column holds.
 */
export class CSVDataset extends Dataset<Element> {
  readonly #source: DataSource;
  readonly #config: CSVConfig;
  #names: readonly string[] | undefined;

  /** Throws ArgumentError for settings that do not exist or contradict each other. */
  constructor(source: SourceLike, config: CSVConfig = {}) {
    super();
    checkConfig(config ?? {});
    this.#source = sourceOf(source);
    this.#config = config ?? {};
    new RowReader({ delimiter: this.#config.delimiter ?? ',', whitespace: false }, op);
  }

  /** The names of the columns that elements have; reads the header. */
  async columnNames(): Promise<string[]> {
    if (!this.#names) {
      const rows = rowsOf(this.#source, this.#config);
      this.#header(this.#config.hasHeader === false ? undefined : (await rows.next()).value);
      await rows.return(undefined);
    }
    const { configuredColumnsOnly, columnConfigs } = this.#config;
    return configuredColumnsOnly ? Object.keys(columnConfigs ?? {}) : (this.#names as string[]).slice();
  }

  override async iterator(): Promise<DataIterator<Element>> {
    return new DataIterator(this.#elements());
  }

  /** Learns the names of all columns, once. Throws ArgumentError for names that do not fit. */
  #header(row: Row | undefined): void {
    const { hasHeader = true, columnNames, columnConfigs = {} } = this.#config;
    if (hasHeader && !row)
      throw new ArgumentError('the file is empty', { op, fix: 'it should begin with the names of its columns' });
    if (row && columnNames && row.cells.length !== columnNames.length)
      throw new ArgumentError(`columnNames has ${columnNames.length} names, the file's header ${row.cells.length}`, {
        op,
        fix: `the header is: ${row.cells.join(', ')}`,
      });
    const names = columnNames ?? (row as Row).cells;
    const twice = names.find((n, i) => names.indexOf(n) !== i);
    if (twice !== undefined)
      throw new ArgumentError(`two columns have the name '${twice}'`, { op, fix: 'give other names with columnNames' });
    for (const key of Object.keys(columnConfigs))
      if (!names.includes(key))
        throw new ArgumentError(`columnConfigs names a column '${key}' that the file does not have`, {
          op,
          fix: didYouMean(key, names),
        });
    this.#names = names.slice();
  }

  async *#elements(): AsyncGenerator<Element> {
    let first = true;
    for await (const row of rowsOf(this.#source, this.#config)) {
      const isHeader = first && this.#config.hasHeader !== false;
      if (first) this.#header(isHeader ? row : undefined);
      first = false;
      if (!isHeader) yield this.#element(row);
    }
    // Without a single row there is no header either.
    if (first && this.#config.hasHeader !== false) this.#header(undefined);
  }

  #element(row: Row): Element {
    const names = this.#names as readonly string[];
    if (row.cells.length !== names.length)
      throw badCell(
        row,
        Math.min(row.cells.length, names.length),
        names[Math.min(row.cells.length, names.length - 1)],
        `the row has ${row.cells.length} cells where there are ${names.length} columns: ${valueText(row.cells)}`,
        'give every row one cell a column; put cells that hold the delimiter into quotes',
      );
    const xs: Record<string, unknown> = {};
    const ys: Record<string, unknown> = {};
    names.forEach((name, i) => {
      const column = this.#config.columnConfigs?.[name];
      if (!column && this.#config.configuredColumnsOnly) return;
      (column?.isLabel ? ys : xs)[name] = this.#value(row, i, name, column ?? {});
    });
    return Object.keys(ys).length ? { xs, ys } : xs;
  }

  #value(row: Row, i: number, name: string, column: ColumnConfig): unknown {
    const cell = row.cells[i];
    if (cell.trim() !== '') {
      const refuse = (what: string) =>
        badCell(row, i, name, `${valueText(cell)} is ${what}`, `correct it, or read the column with another dtype`);
      return cellValue(cell, column.dtype, refuse);
    }
    if (column.default !== undefined) return column.default;
    if (column.required || column.isLabel)
      throw badCell(row, i, name, 'the cell is empty', 'fill it, or give the column a default');
    return undefined;
  }
}

/**
 * The rows of comma-separated values at an address or path (in Node), in a Blob or in bytes; see `CSVDataset`.
 * Throws ArgumentError for settings that do not exist or contradict each other.
 */
export const csv = (source: SourceLike, config: CSVConfig = {}): CSVDataset => new CSVDataset(source, config);

/** The lines of a text in UTF-8, without their ends. */
export class TextLineDataset extends Dataset<string> {
  readonly #source: DataSource;

  constructor(source: SourceLike) {
    super();
    this.#source = sourceOf(source);
  }
  override async iterator(): Promise<DataIterator<string>> {
    return new DataIterator(this.#lines());
  }
  async *#lines(): AsyncGenerator<string> {
    let rest = '';
    for await (const text of textPieces(this.#source)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    if (rest) yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
  }
}
