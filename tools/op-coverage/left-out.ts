// Names of TensorFlow.js that this package does not have, each with the reason. A name that is there by
// now must go from here: `npm run op-coverage` says so.

export interface LeftOut {
  readonly reason: string;
  readonly names: readonly string[];
}

const of = (prefix: string, names: string): string[] => names.split(' ').map((n) => `${prefix}${n}`);

export const leftOut: readonly LeftOut[] = [
  {
    reason: 'there are no tensors of strings',
    names: [
      'tf.string',
      ...of('tf.util.', 'bytesFromStringArray decodeString encodeString fingerPrint64 hexToLong createScalarValue'),
    ],
  },
  {
    reason: 'there are no sparse or ragged tensors',
    names: of('tf.', 'sparse raggedGather raggedRange raggedTensorToTensor'),
  },
  {
    reason: 'internals of its engine',
    names: [
      ...of(
        'tf.',
        'DataStorage ENV KernelBackend MathBackendCPU Rank backend backend_util broadcast_util copyRegisteredKernels deregisterOp device_util engine findBackend findBackendFactory gather_util getGradient getKernel getKernelsForBackend kernel_impls op registerBackend registerGradient registerKernel registerOp removeBackend scatter_util setPlatform shared slice_util tensor_util test_util unregisterGradient unregisterKernel version',
      ),
      ...of(
        'tf.util.',
        'checkConversionForErrors convertBackendValuesAndArrayBuffer hasEncodingLoss repeatedTry sizeToSquarishShape',
      ),
    ],
  },
  {
    reason: 'about WebGL',
    names: [
      ...of('tf.', 'GPGPUContext MathBackendWebGL forceHalfFloat gpgpu_util setWebGLContext webgl webgl_util'),
      'tensor.dataToGPU',
    ],
  },
];
