// The functions of `tf.signal`.

export * from './ops/signal.ts';
export { frame, hammingWindow, hannWindow } from './ops/windows.ts';
