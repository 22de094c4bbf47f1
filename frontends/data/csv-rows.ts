// Rows of comma-separated values (RFC 4180), read from text that comes in pieces.

import { ArgumentError, ParseError } from '../../ir/errors.ts';

/** One row, and the line of the text that it begins in, from 1 on. */
export interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** How cells are divided. */
export interface Dialect {
  readonly delimiter: string;
  /** Any run of spaces and tabs divides cells. */
  readonly whitespace: boolean;
}

/** The longest cell: a quote that is never closed would take in the whole file. */
const LONGEST = 2 ** 26;

/** Where the reader is: before a cell, in one, in one in quotes, behind a quote in one of these. */
type State = 'start' | 'bare' | 'quoted' | 'quote';

/**
 * Cells in quotes may hold delimiters, line breaks and doubled quotes; lines end with \n, \r\n or \r; empty
 * lines are no rows. Throws ParseError for text behind a closing quote and for a quote that is not closed.
 */
export class RowReader {
  readonly #dialect: Dialect;
  #state: State = 'start';
  #cell = '';
  #cells: string[] = [];
  #rows: Row[] = [];
  #line = 1;
  #begin = 1;
  /** The last character was \r: a \n belongs to it. */
  #return = false;
  /** The row has a cell in quotes: it is no empty line. */
  #some = false;

  constructor(dialect: Dialect, op: string) {
    const { delimiter } = dialect;
    if (typeof delimiter !== 'string' || [...delimiter].length !== 1 || /["\r\n]/.test(delimiter))
      throw new ArgumentError(`the delimiter must be one character, not ${JSON.stringify(delimiter)}`, {
        op,
        fix: "such as ',', ';' or '\\t'",
      });
    this.#dialect = dialect;
  }

  /** The rows that are whole with this piece. */
  push(text: string): Row[] {
    for (let i = 0; i < text.length; ) i = this.#step(text, i);
    if (this.#cell.length > LONGEST)
      throw this.#error(`the cell has more than ${LONGEST} characters`, 'look for a quote that is not closed');
    return this.#take();
  }

  /** The rows that are whole with the end of the text. */
  end(): Row[] {
    if (this.#state === 'quoted') throw this.#error('a quote is not closed', 'close it; a quote in quotes is doubled');
    this.#endRow();
    return this.#take();
  }

  #take(): Row[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #error(message: string, fix: string): ParseError {
    const column = this.#cells.length + 1;
    return new ParseError(`line ${this.#begin}, cell ${column}: ${message}`, this.#begin, column, {
      op: 'data.csv',
      fix,
    });
  }

  /** Reads from place i on, and says where to go on. */
  #step(text: string, i: number): number {
    const c = text[i];
    if (this.#state === 'quoted') return this.#inQuotes(text, i);
    if (this.#return) {
      this.#return = false;
      if (c === '\n') return i + 1;
    }
    const divides = this.#dialect.whitespace ? c === ' ' || c === '\t' : c === this.#dialect.delimiter;
    if (c === '\n' || c === '\r') {
      this.#return = c === '\r';
      this.#endRow();
      this.#begin = ++this.#line;
    } else if (divides) {
      // Before the first cell, and after another space, there is no cell to end.
      if (!this.#dialect.whitespace || this.#state !== 'start') this.#endCell();
    } else if (c === '"' && this.#state !== 'bare') {
      // In an open cell it is a doubled quote.
      if (this.#state === 'quote') this.#cell += '"';
      this.#state = 'quoted';
      this.#some = true;
    } else if (this.#state === 'quote') {
      throw this.#error(`'${c}' stands behind a closing quote`, 'a quote inside of a cell in quotes is doubled');
    } else return this.#bare(text, i);
    return i + 1;
  }

  /** Takes the text up to the end of the cell. */
  #bare(text: string, i: number): number {
    const { delimiter, whitespace } = this.#dialect;
    let to = i;
    for (; to < text.length; to++) {
      const c = text[to];
      if (c === '\n' || c === '\r' || (whitespace ? c === ' ' || c === '\t' : c === delimiter)) break;
    }
    this.#cell += text.slice(i, to);
    this.#state = 'bare';
    return to;
  }

  /** Takes the text up to the next quote. */
  #inQuotes(text: string, i: number): number {
    const found = text.indexOf('"', i);
    const to = found < 0 ? text.length : found;
    const part = text.slice(i, to);
    this.#cell += part;
    this.#line += part.split('\n').length - 1;
    if (found < 0) return to;
    this.#state = 'quote';
    return to + 1;
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = '';
    this.#state = 'start';
  }

  #endRow(): void {
    const { whitespace } = this.#dialect;
    // With spaces as delimiters, those at the end of a line begin no cell.
    if (this.#state !== 'start' || (this.#cells.length && !whitespace)) this.#endCell();
    if (this.#cells.length > 1 || this.#some || this.#cells[0])
      this.#rows.push({ cells: this.#cells, line: this.#begin });
    this.#cells = [];
    this.#some = false;
  }
}
