// YAML of plain data.

import { parseDocument, stringify, visit } from 'yaml';
import { checkNesting, damaged, type Place } from '../../io/format.ts';

/** The longest text that is parsed: an architecture has no elements in it. */
const longest = 2 ** 26;

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
      uniqueKeys: true,
      customTags: [],
      logLevel: 'silent',
    });
    if (doc.errors.length) return damaged(place, `it is no YAML: ${doc.errors[0].message.split('\n')[0]}`);
    visit(doc, { Alias: () => damaged(place, 'it has aliases', 'write it out without & and *') });
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
