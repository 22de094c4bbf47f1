// Tokens of IR text, each with its place, and the cursor over them that the parser reads from.

import { ParseError } from './errors.ts';

export type TokenKind = 'word' | 'number' | 'value' | 'name' | 'hash' | 'string' | 'mark' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The token as written, without the %, @ or # in front of a name. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

// Names may hold what layer paths are made of. `inf` and `nan` are numbers, so they come before words.
const rules: readonly (readonly [TokenKind | 'space', RegExp])[] = [
  ['space', /[ \t\r]+|;[^\n]*/y],
  ['mark', /->|[(){}[\],:=<>*]/y],
  ['number', /-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|inf\b|nan\b)/y],
  ['value', /%[\w.$/-]+/y],
  ['name', /@[\w.$/-]+/y],
  ['hash', /#[0-9a-f]+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"/y],
  ['word', /[A-Za-z_]\w*/y],
];

function tokenize(text: string, lines: readonly string[]): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let start = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] === '\n') {
      line++;
      start = ++at;
      continue;
    }
    const column = at - start + 1;
    const found = match(text, at);
    if (!found) throw error(`unexpected character ${JSON.stringify(text[at])}`, line, column, lines);
    const [kind, word] = found;
    at += word.length;
    const bare = kind === 'value' || kind === 'name' || kind === 'hash' ? word.slice(1) : word;
    if (kind !== 'space') tokens.push({ kind, text: bare, line, column });
  }
  tokens.push({ kind: 'end', text: '', line, column: at - start + 1 });
  return tokens;
}

function match(text: string, at: number): readonly [TokenKind | 'space', string] | undefined {
  for (const [kind, re] of rules) {
    re.lastIndex = at;
    const m = re.exec(text);
    if (m) return [kind, m[0]];
  }
  return undefined;
}

function error(message: string, line: number, column: number, lines: readonly string[]): ParseError {
  const text = (lines[line - 1] ?? '').replaceAll('\t', ' ');
  return new ParseError(`${line}:${column}: ${message}\n  ${text}\n  ${' '.repeat(column - 1)}^`, line, column);
}

const shown: Readonly<Record<TokenKind, string>> = {
  word: 'a word',
  number: 'a number',
  value: 'a value (%…)',
  name: 'a name (@…)',
  hash: 'a constant (#…)',
  string: 'a string',
  mark: 'a mark',
  end: 'the end of the text',
};

/** Reads tokens one by one; what does not fit is a ParseError with its line. */
export class Cursor {
  #lines: readonly string[];
  #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split('\n');
    this.#tokens = tokenize(text, this.#lines);
  }

  get token(): Token {
    return this.#tokens[this.#at];
  }
  next(): Token {
    const t = this.token;
    if (t.kind !== 'end') this.#at++;
    return t;
  }

  /** An error at a token. */
  fail(message: string, at: Token = this.token): ParseError {
    return error(message, at.line, at.column, this.#lines);
  }
  /** An error that says what was expected instead of the token here. */
  expected(what: string): ParseError {
    const { kind, text } = this.token;
    return this.fail(`expected ${what}, found ${kind === 'end' ? shown.end : `'${text}'`}`);
  }

  take(kind: TokenKind, what = shown[kind]): Token {
    if (this.token.kind !== kind) throw this.expected(what);
    return this.next();
  }
  is(text: string): boolean {
    const { kind } = this.token;
    return (kind === 'mark' || kind === 'word') && this.token.text === text;
  }
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }
  mark(text: string): Token {
    if (!this.is(text)) throw this.expected(`'${text}'`);
    return this.next();
  }

  /** Items between two marks, with commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.mark(open);
    const items: T[] = [];
    if (this.accept(close)) return items;
    do items.push(item());
    while (this.accept(','));
    if (!this.is(close)) throw this.expected(`',' or '${close}'`);
    this.next();
    return items;
  }
}
