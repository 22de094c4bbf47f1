// Text of SVG files.

/** Text between tags and in attributes. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Two decimals are a hundredth of a pixel. */
const number = (x: number): string => String(Math.round(x * 100) / 100);

/** `<name attribute="…">inner</name>`; numbers are rounded. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, inner = ''): string {
  const list = Object.entries(attributes).map(([k, v]) => ` ${k}="${typeof v === 'number' ? number(v) : escaped(v)}"`);
  return inner ? `<${name}${list.join('')}>${inner}</${name}>` : `<${name}${list.join('')}/>`;
}

/** The points of a line as a path; where one is missing, the line is interrupted. */
export function path(points: readonly (readonly [number, number] | undefined)[]): string {
  let pen = 'M';
  let d = '';
  for (const p of points) {
    if (!p) {
      pen = 'M';
      continue;
    }
    d += `${pen}${number(p[0])} ${number(p[1])}`;
    pen = 'L';
  }
  return d;
}
