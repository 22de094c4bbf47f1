// What every start-up program below shares: reading the model that the runner wrote, and saying when
// the first result is there. Plain JavaScript, so that no engine pays for stripping types.

import { readFileSync } from 'node:fs';

/** The operands of the case by name. The first line of the file describes them, the rest is floats. */
export function readModel() {
  const bytes = readFileSync(`${process.argv[2]}/model.bin`);
  const end = bytes.indexOf(10);
  const operands = {};
  let at = end + 1;
  for (const { name, shape } of JSON.parse(bytes.toString('utf8', 0, end))) {
    const length = shape.reduce((n, d) => n * d, 1);
    // The copy aligns the floats.
    operands[name] = {
      shape,
      data: new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + length * 4)),
    };
    at += length * 4;
  }
  return operands;
}

/** Prints the result; the runner stops its clock at this line. */
export function finish(result) {
  process.stdout.write(`${result[0]}\n`, () => process.exit(0));
}
