export function soft64Text(names: Iterable<string>): string {
  for (const n of names) throw new Error(n);
  return '';
}
