// What an application does with an artifact: imports its loader, loads it, runs it. Prints the milliseconds that took.
import { pathToFileURL } from 'node:url';

const start = performance.now();
const { load } = await import(pathToFileURL(`${process.argv[2]}/model.js`).href);
const model = await load();
const { predict } = model.functions;
const x = new Float32Array(predict.inputs[0].shape.reduce((n, d) => n * d, 1)).fill(0.5);
const y = predict.run(x);
process.stdout.write(`${performance.now() - start} ${y[0]}\n`, () => process.exit(0));
