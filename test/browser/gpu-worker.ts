// Trains in a dedicated worker: takes the number of steps, answers with what came of them.

import { trainOn } from './model.ts';

addEventListener('message', async ({ data }: MessageEvent<number>) => {
  postMessage(await trainOn('webgpu', 1, data));
});
