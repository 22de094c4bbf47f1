// YAML of plain data.

import { isScalar, parseDocument, stringify, visit, type YAMLMap } from 'yaml';
import { checkNesting, damaged, type Place } from '../../io/format.ts';

/** The longest text that is parsed: an architecture has no elements in it. */
const longest = 2 ** 22;

/** What the parser's own check does in the square of the number of keys. */
function checkKeys({ items }: YAMLMap, place: Place): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) damaged(place, 'it has keys that are no text');
    const name = String((key as { value: unknown }).value);
    if (seen.has(name)) damaged(place, `it has the key '${name.slice(0, 60)}' twice`);
    seen.add(name);
  }
}

/**
 * The plain data of a text in YAML 1.2 (core schema). Throws FormatError for what is none, and for aliases, with
 * which a short text could stand for any amount of data.
 */
export function parseYaml(text: string, place: Place): unknown {
  if (text.length > longest) return damaged(place, `it has ${text.length} characters`, 'give the architecture alone');
  try {
    const doc = parseDocument(text, {
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      customTags: [],
      logLevel: 'silent',
    });
    if (doc.errors.length) return damaged(place, `it is no YAML: ${doc.errors[0].message.split('\n')[0]}`);
    visit(doc, {
      Alias: () => damaged(place, 'it has aliases', 'write it out without & and *'),
      Map: (_, map) => checkKeys(map, place),
    });
    const plain = doc.toJS({ maxAliasCount: 0 });
    checkNesting(plain, place);
    return plain;
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    return damaged(place, 'it is nested too deep');
  }
}

/** Plain data as YAML. */
export const formatYaml = (x: unknown): string => stringify(x, { aliasDuplicateObjects: false, lineWidth: 0 });
