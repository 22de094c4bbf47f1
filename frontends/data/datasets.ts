// The data sets of `tf.datasets`.

export { fashionMnist, type LoadedImages, type MnistOptions, mnist } from './mnist.ts';
