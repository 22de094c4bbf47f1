// What this library calls itself in files that it writes.

/** Version of the package; a test holds it equal to package.json. */
export const version = '0.1.0';
export const producer: string = `sinter ${version}`;
