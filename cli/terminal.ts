// Where output goes, and how numbers and tables look there.

/** Output of a command. */
export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line beside the result: errors, progress. */
  complain(line: string): void;
}

export const terminal = (): Terminal => ({
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});

/** `2.69 MB`: decimal units, three digits. */
export function bytesText(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let x = n / 1000;
  let i = 0;
  for (; x >= 999.5 && i < units.length - 1; i++) x /= 1000;
  return `${x.toPrecision(3)} ${units[i]}`;
}

/** `1.23 ms`, `45.6 µs`. */
export function timeText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${ms.toPrecision(3)} ms` : `${(ms * 1000).toPrecision(3)} µs`;
}

/** Rows in columns: numbers to the right. The first row is the head. */
export function tableText(rows: readonly (readonly (string | number)[])[]): string {
  const text = rows.map((r) => r.map(String));
  const widths = text[0].map((_, c) => Math.max(...text.map((r) => (r[c] ?? '').length)));
  const right = text[0].map(
    (_, c) =>
      rows.length > 1 &&
      rows.slice(1).every((r) => typeof r[c] === 'number' || /^[\d.]+( [kMGTµm]?[Bs])?$/.test(String(r[c]))),
  );
  return text
    .map((r) =>
      r
        .map((s, c) => (right[c] ? s.padStart(widths[c]) : s.padEnd(widths[c])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The lines moved to the right. */
export const indented = (text: string, by = 2): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
