import Table from 'cli-table3';

/** A table without lines between its rows: text on the left, figures on the right. */
export function textTable(head: readonly string[], leftToo: readonly number[] = []): Table.Table {
  return new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 || leftToo.includes(i) ? 'left' : 'right')),
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
}
