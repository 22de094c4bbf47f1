// The functions of `tf.signal`.

export { frame, hammingWindow, hannWindow } from './ops/windows.ts';
