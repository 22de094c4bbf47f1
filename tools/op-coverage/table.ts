// Tables of Markdown, and where the written part of a page begins.

export const begin = '<!-- written by `npm run op-coverage -- --write`; do not edit below -->';

/** A row; bars in cells are escaped. */
const row = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
