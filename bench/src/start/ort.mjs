import { finish, readModel } from './model.mjs';

/** Loads the model file and runs it once. */
export async function run(ort, settings) {
  const session = await ort.InferenceSession.create(`${process.argv[2]}/model.onnx`, settings);
  const { x } = readModel();
  const out = await session.run({ x: new ort.Tensor('float32', x.data, x.shape) });
  finish(out[session.outputNames[0]].data);
}
