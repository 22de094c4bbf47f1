// Cyclic redundancy checks over bytes, a table lookup a byte (Sarwate 1988).

const tableOf = (polynomial: number): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, i) => {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ polynomial : c >>> 1;
    return c;
  });

function checker(polynomial: number): (data: Uint8Array) => number {
  // Made when it is needed: most programs read no files.
  let made: Uint32Array | undefined;
  return (data) => {
    made ??= tableOf(polynomial);
    const table = made;
    let c = 0xffffffff;
    for (let i = 0; i < data.length; i++) c = table[(c ^ data[i]) & 255] ^ (c >>> 8);
    return (c ^ 0xffffffff) >>> 0;
  };
}

/** CRC-32C (Castagnoli): of event files and checkpoints. */
export const crc32c = checker(0x82f63b78);
/** CRC-32 of IEEE 802.3: of PNG files. */
export const crc32 = checker(0xedb88320);
