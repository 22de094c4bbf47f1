// Bytes as text.

import { damaged, type Place } from './format.ts';

/** How many bytes become characters in one call: arguments have a limit. */
const step = 2 ** 15;

/** The text in base64 of bytes. */
export function textOfBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += step) parts.push(String.fromCharCode(...bytes.subarray(at, at + step)));
  return btoa(parts.join(''));
}

/** The bytes of a text in base64. Throws FormatError for what is none. */
export function bytesOfBase64(text: string, place: Place): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch (e) {
    return damaged(place, `it is no base64: ${(e as Error).message}`);
  }
}
