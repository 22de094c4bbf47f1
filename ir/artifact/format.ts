// The format of artifacts, as far as who writes and who reads them have to agree. The tables are in schema/artifact.fbs.

/** Version of the format. */
export const artifactVersion = 1;
/** Header, shards, blobs and tensors begin at multiples of so many bytes. */
export const artifactAlign = 64;
/** Number of a blob that is not there. */
export const noBlob = 2 ** 32 - 1;

/** Bytes in front of the data: the table's size, the table, its hash, and what fills up to the data. */
export const headerSize = (table: number): number => Math.ceil((4 + table + 4) / artifactAlign) * artifactAlign;
