// Paths with numbers in them: `{epoch:02d}-{val_loss:.2f}`, as Python's `format` writes them.

import { ArgumentError } from '../../../ir/errors.ts';
import { didYouMean } from '../engine/names.ts';

/** Fills and sign, least width, grouping is not there, digits, kind. */
const spec = /^(0?)(\d*)(?:\.(\d+))?([dfeEgG%]?)$/;

/** A number in a format of Python's: `02d`, `.2f`, `.3e`, `g`, `%`. */
function formatted(x: number, format: string, op: string): string {
  const m = spec.exec(format);
  if (!m) throw new ArgumentError(`'${format}' is no number format`, { op, fix: 'such as 02d, .2f, .3e or g' });
  const [, zero, width, digits, kind] = m;
  const places = digits === undefined ? 6 : Number(digits);
  const exponent = (s: string): string => s.replace(/e([+-])(\d)$/, 'e$10$2');
  const general = (): string => {
    const p = Math.max(1, places);
    const e = Number(x.toExponential(p - 1).split('e')[1]);
    const plain = e < -4 || e >= p ? exponent(x.toExponential(p - 1)) : x.toFixed(p - 1 - e);
    return plain.includes('.') ? plain.replace(/\.?0+(?=e|$)/, '') : plain;
  };
  let text: string;
  if (!Number.isFinite(x)) text = String(x).replace('Infinity', 'inf').replace('NaN', 'nan');
  else if (kind === 'd') text = String(Math.trunc(x));
  else if (kind === 'f') text = x.toFixed(places);
  else if (kind === '%') text = `${(x * 100).toFixed(places)}%`;
  else if (kind === 'e' || kind === 'E') text = exponent(x.toExponential(places));
  else if (kind === 'g' || kind === 'G' || digits !== undefined) text = general();
  else text = String(x);
  if (kind === 'E' || kind === 'G') text = text.toUpperCase();
  const sign = text.startsWith('-') ? '-' : '';
  return zero
    ? sign + text.slice(sign.length).padStart(Number(width) - sign.length, '0')
    : text.padStart(Number(width));
}

/** Throws ArgumentError for a template with a format that is none or a brace that is not closed. */
export function checkTemplate(template: string, op: string): void {
  if (/[{}]/.test(template.replace(/\{[^{}]+\}/g, '')))
    throw new ArgumentError(`the braces of '${template}' do not match`, { op, fix: 'write {name} or {name:.2f}' });
  for (const [, inner] of template.matchAll(/\{([^{}]+)\}/g)) formatted(1, inner.split(':')[1] ?? '', op);
}

/** The template with its names replaced by numbers. Throws ArgumentError for a name that has none. */
export function fillTemplate(template: string, values: Readonly<Record<string, number>>, op: string): string {
  return template.replace(/\{([^{}]+)\}/g, (_, inner: string) => {
    const [name, format = ''] = inner.split(':');
    if (!Object.hasOwn(values, name))
      throw new ArgumentError(`there is no '${name}' for the path '${template}'`, {
        op,
        fix: didYouMean(name, Object.keys(values)),
      });
    return formatted(values[name], format, op);
  });
}
