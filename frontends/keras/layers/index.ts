// All layers: classes, and `tf.layers.…` that makes them.

import { InputLayer, type InputLayerArgs, input } from '../engine/input-layer.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import { getLayer, layerRegistry } from '../engine/layer-registry.ts';
import { LayersModel } from '../engine/model.ts';
import { given, optional } from '../engine/names.ts';
import { Sequential } from '../engine/sequential.ts';
import { type CustomObjects, type Serialized, serialize } from '../engine/serialize.ts';
import { Activation, type ActivationArgs } from './activation.ts';
import { MultiHeadAttention, type MultiHeadAttentionArgs } from './attention.ts';
import {
  RandomBrightness,
  type RandomBrightnessArgs,
  RandomContrast,
  type RandomContrastArgs,
  RandomCrop,
  type RandomCropArgs,
  RandomFlip,
  type RandomFlipArgs,
} from './augmentation.ts';
import {
  RandomHeight,
  RandomRotation,
  type RandomRotationArgs,
  type RandomStretchArgs,
  RandomTranslation,
  type RandomTranslationArgs,
  RandomWidth,
  RandomZoom,
  type RandomZoomArgs,
} from './augmentation-transforms.ts';
import {
  Cropping1D,
  Cropping2D,
  Cropping3D,
  type CroppingArgs,
  UpSampling1D,
  UpSampling2D,
  UpSampling3D,
  type UpSamplingArgs,
  ZeroPadding1D,
  ZeroPadding2D,
  ZeroPadding3D,
  type ZeroPaddingArgs,
} from './borders.ts';
import { Conv1D, Conv2D, Conv3D, type ConvArgs } from './conv.ts';
import {
  DepthwiseConv2D,
  type DepthwiseConv2DArgs,
  SeparableConv1D,
  SeparableConv2D,
  type SeparableConvArgs,
} from './conv-depthwise.ts';
import { Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, type ConvTransposeArgs } from './conv-transpose.ts';
import { Dense, type DenseArgs } from './dense.ts';
import { Dropout, type DropoutArgs } from './dropout.ts';
import { Embedding, type EmbeddingArgs, Masking, type MaskingArgs } from './embedding.ts';
import { Flatten, type FlattenArgs } from './flatten.ts';
import { Lambda, type LambdaArgs } from './lambda.ts';
import { Highway, type HighwayArgs, Maxout, type MaxoutArgs } from './maxout.ts';
import {
  Add,
  Average,
  Concatenate,
  type ConcatenateArgs,
  Dot,
  type DotArgs,
  Maximum,
  Minimum,
  Multiply,
  Subtract,
} from './merge.ts';
import {
  AlphaDropout,
  type AlphaDropoutArgs,
  GaussianDropout,
  GaussianNoise,
  type GaussianNoiseArgs,
  type NoiseRateArgs,
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
  type SpatialDropoutArgs,
} from './noise.ts';
import {
  BatchNormalization,
  type BatchNormalizationArgs,
  GroupNormalization,
  type GroupNormalizationArgs,
  LayerNormalization,
  type LayerNormalizationArgs,
} from './normalization.ts';
import {
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
  type GlobalPoolingArgs,
  MaxPooling1D,
  MaxPooling2D,
  MaxPooling3D,
  type PoolingArgs,
} from './pooling.ts';
import {
  CategoryEncoding,
  type CategoryEncodingArgs,
  CenterCrop,
  type CenterCropArgs,
  Rescaling,
  type RescalingArgs,
  Resizing,
  type ResizingArgs,
} from './preprocessing.ts';
import {
  type AlphaArgs,
  ELU,
  LeakyReLU,
  PReLU,
  type PReLUArgs,
  ReLU,
  type ReLUArgs,
  Softmax,
  type SoftmaxArgs,
  SReLU,
  type SReLUArgs,
  ThresholdedReLU,
  type ThresholdedReLUArgs,
} from './rectifiers.ts';
import { Bidirectional, type BidirectionalArgs } from './recurrent/bidirectional.ts';
import { RNNCell } from './recurrent/cell.ts';
import { ConvLSTM2D, type ConvLSTM2DArgs, ConvLSTM2DCell, type ConvLSTM2DCellArgs } from './recurrent/conv-lstm.ts';
import type { GatedCellArgs } from './recurrent/gated.ts';
import { GRU, type GRUArgs, GRUCell, type GRUCellArgs } from './recurrent/gru.ts';
import { LSTM, type LSTMArgs, LSTMCell, type LSTMCellArgs } from './recurrent/lstm.ts';
import { RNN, type RNNArgs } from './recurrent/rnn.ts';
import { SimpleRNN, type SimpleRNNArgs, SimpleRNNCell } from './recurrent/simple-rnn.ts';
import { StackedRNNCells, type StackedRNNCellsArgs } from './recurrent/stacked.ts';
import { Permute, type PermuteArgs, RepeatVector, type RepeatVectorArgs, Reshape, type ReshapeArgs } from './shapes.ts';
import { TimeDistributed, type TimeDistributedArgs } from './time-distributed.ts';

const classes = [
  InputLayer,
  LayersModel,
  Sequential,
  Activation,
  MultiHeadAttention,
  ZeroPadding1D,
  ZeroPadding2D,
  ZeroPadding3D,
  Cropping1D,
  Cropping2D,
  Cropping3D,
  UpSampling1D,
  UpSampling2D,
  UpSampling3D,
  Conv1D,
  Conv2D,
  Conv3D,
  DepthwiseConv2D,
  SeparableConv1D,
  SeparableConv2D,
  Conv1DTranspose,
  Conv2DTranspose,
  Conv3DTranspose,
  Dense,
  Dropout,
  Embedding,
  Masking,
  Flatten,
  Lambda,
  Maxout,
  Highway,
  Add,
  Subtract,
  Multiply,
  Average,
  Maximum,
  Minimum,
  Concatenate,
  Dot,
  GaussianNoise,
  GaussianDropout,
  AlphaDropout,
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
  BatchNormalization,
  LayerNormalization,
  GroupNormalization,
  MaxPooling1D,
  MaxPooling2D,
  MaxPooling3D,
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  Resizing,
  Rescaling,
  CenterCrop,
  CategoryEncoding,
  RandomFlip,
  RandomCrop,
  RandomBrightness,
  RandomContrast,
  RandomRotation,
  RandomZoom,
  RandomTranslation,
  RandomWidth,
  RandomHeight,

  ReLU,
  LeakyReLU,
  ELU,
  ThresholdedReLU,
  Softmax,
  PReLU,
  SReLU,
  Bidirectional,
  ConvLSTM2D,
  ConvLSTM2DCell,
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  RNN,
  SimpleRNN,
  SimpleRNNCell,
  StackedRNNCells,
  Reshape,
  Permute,
  RepeatVector,
  TimeDistributed,
] as const;
for (const cls of classes) layerRegistry.add(cls as never);
layerRegistry.add(LayersModel as never, 'functional');

/** The layers by name, as TensorFlow.js has them; each takes one object of options, which its class describes. */
export const layers = Object.freeze({
  Layer,
  RNNCell,
  /** The layer that `{className, config}` stands for. Throws ArgumentError for an unknown class. */
  deserialize: (config: Serialized, customObjects?: CustomObjects): Layer =>
    getLayer(config, 'layers.deserialize', customObjects),
  /** Class and configuration of a layer. */
  serialize: (layer: Layer): Serialized => serialize(layer),
  input,
  inputLayer: (args: InputLayerArgs): InputLayer => new InputLayer(given(args, 'inputLayer')),
  activation: (args: ActivationArgs): Activation => new Activation(given(args, 'activation')),
  multiHeadAttention: (args: MultiHeadAttentionArgs): MultiHeadAttention =>
    new MultiHeadAttention(given(args, 'multiHeadAttention')),
  zeroPadding1d: (args?: ZeroPaddingArgs): ZeroPadding1D => new ZeroPadding1D(optional(args, 'zeroPadding1d')),
  zeroPadding2d: (args?: ZeroPaddingArgs): ZeroPadding2D => new ZeroPadding2D(optional(args, 'zeroPadding2d')),
  zeroPadding3d: (args?: ZeroPaddingArgs): ZeroPadding3D => new ZeroPadding3D(optional(args, 'zeroPadding3d')),
  cropping1D: (args?: CroppingArgs): Cropping1D => new Cropping1D(optional(args, 'cropping1D')),
  cropping2D: (args?: CroppingArgs): Cropping2D => new Cropping2D(optional(args, 'cropping2D')),
  cropping3D: (args?: CroppingArgs): Cropping3D => new Cropping3D(optional(args, 'cropping3D')),
  upSampling1d: (args?: UpSamplingArgs): UpSampling1D => new UpSampling1D(optional(args, 'upSampling1d')),
  upSampling2d: (args?: UpSamplingArgs): UpSampling2D => new UpSampling2D(optional(args, 'upSampling2d')),
  upSampling3d: (args?: UpSamplingArgs): UpSampling3D => new UpSampling3D(optional(args, 'upSampling3d')),
  conv1d: (args: ConvArgs): Conv1D => new Conv1D(given(args, 'conv1d')),
  conv2d: (args: ConvArgs): Conv2D => new Conv2D(given(args, 'conv2d')),
  conv3d: (args: ConvArgs): Conv3D => new Conv3D(given(args, 'conv3d')),
  depthwiseConv2d: (args: DepthwiseConv2DArgs): DepthwiseConv2D => new DepthwiseConv2D(given(args, 'depthwiseConv2d')),
  separableConv1d: (args: SeparableConvArgs): SeparableConv1D => new SeparableConv1D(given(args, 'separableConv1d')),
  separableConv2d: (args: SeparableConvArgs): SeparableConv2D => new SeparableConv2D(given(args, 'separableConv2d')),
  conv1dTranspose: (args: ConvTransposeArgs): Conv1DTranspose => new Conv1DTranspose(given(args, 'conv1dTranspose')),
  conv2dTranspose: (args: ConvTransposeArgs): Conv2DTranspose => new Conv2DTranspose(given(args, 'conv2dTranspose')),
  conv3dTranspose: (args: ConvTransposeArgs): Conv3DTranspose => new Conv3DTranspose(given(args, 'conv3dTranspose')),
  dense: (args: DenseArgs): Dense => new Dense(given(args, 'dense')),
  dropout: (args: DropoutArgs): Dropout => new Dropout(given(args, 'dropout')),
  embedding: (args: EmbeddingArgs): Embedding => new Embedding(given(args, 'embedding')),
  masking: (args?: MaskingArgs): Masking => new Masking(optional(args, 'masking')),
  flatten: (args?: FlattenArgs): Flatten => new Flatten(optional(args, 'flatten')),
  lambda: (args: LambdaArgs): Lambda => new Lambda(given(args, 'lambda')),
  maxout: (args: MaxoutArgs): Maxout => new Maxout(given(args, 'maxout')),
  highway: (args?: HighwayArgs): Highway => new Highway(optional(args, 'highway')),
  add: (args?: LayerArgs): Add => new Add(optional(args, 'add')),
  subtract: (args?: LayerArgs): Subtract => new Subtract(optional(args, 'subtract')),
  multiply: (args?: LayerArgs): Multiply => new Multiply(optional(args, 'multiply')),
  average: (args?: LayerArgs): Average => new Average(optional(args, 'average')),
  maximum: (args?: LayerArgs): Maximum => new Maximum(optional(args, 'maximum')),
  minimum: (args?: LayerArgs): Minimum => new Minimum(optional(args, 'minimum')),
  concatenate: (args?: ConcatenateArgs): Concatenate => new Concatenate(optional(args, 'concatenate')),
  dot: (args: DotArgs): Dot => new Dot(given(args, 'dot')),
  gaussianNoise: (args: GaussianNoiseArgs): GaussianNoise => new GaussianNoise(given(args, 'gaussianNoise')),
  gaussianDropout: (args: NoiseRateArgs): GaussianDropout => new GaussianDropout(given(args, 'gaussianDropout')),
  alphaDropout: (args: AlphaDropoutArgs): AlphaDropout => new AlphaDropout(given(args, 'alphaDropout')),
  spatialDropout1d: (args: SpatialDropoutArgs): SpatialDropout1D =>
    new SpatialDropout1D(given(args, 'spatialDropout1d')),
  spatialDropout2d: (args: SpatialDropoutArgs): SpatialDropout2D =>
    new SpatialDropout2D(given(args, 'spatialDropout2d')),
  spatialDropout3d: (args: SpatialDropoutArgs): SpatialDropout3D =>
    new SpatialDropout3D(given(args, 'spatialDropout3d')),
  batchNormalization: (args?: BatchNormalizationArgs): BatchNormalization =>
    new BatchNormalization(optional(args, 'batchNormalization')),
  layerNormalization: (args?: LayerNormalizationArgs): LayerNormalization =>
    new LayerNormalization(optional(args, 'layerNormalization')),
  groupNormalization: (args?: GroupNormalizationArgs): GroupNormalization =>
    new GroupNormalization(optional(args, 'groupNormalization')),
  maxPooling1d: (args?: PoolingArgs): MaxPooling1D => new MaxPooling1D(optional(args, 'maxPooling1d')),
  maxPooling2d: (args?: PoolingArgs): MaxPooling2D => new MaxPooling2D(optional(args, 'maxPooling2d')),
  maxPooling3d: (args?: PoolingArgs): MaxPooling3D => new MaxPooling3D(optional(args, 'maxPooling3d')),
  averagePooling1d: (args?: PoolingArgs): AveragePooling1D => new AveragePooling1D(optional(args, 'averagePooling1d')),
  averagePooling2d: (args?: PoolingArgs): AveragePooling2D => new AveragePooling2D(optional(args, 'averagePooling2d')),
  averagePooling3d: (args?: PoolingArgs): AveragePooling3D => new AveragePooling3D(optional(args, 'averagePooling3d')),
  globalMaxPooling1d: (args?: GlobalPoolingArgs): GlobalMaxPooling1D =>
    new GlobalMaxPooling1D(optional(args, 'globalMaxPooling1d')),
  globalMaxPooling2d: (args?: GlobalPoolingArgs): GlobalMaxPooling2D =>
    new GlobalMaxPooling2D(optional(args, 'globalMaxPooling2d')),
  globalMaxPooling3d: (args?: GlobalPoolingArgs): GlobalMaxPooling3D =>
    new GlobalMaxPooling3D(optional(args, 'globalMaxPooling3d')),
  globalAveragePooling1d: (args?: GlobalPoolingArgs): GlobalAveragePooling1D =>
    new GlobalAveragePooling1D(optional(args, 'globalAveragePooling1d')),
  globalAveragePooling2d: (args?: GlobalPoolingArgs): GlobalAveragePooling2D =>
    new GlobalAveragePooling2D(optional(args, 'globalAveragePooling2d')),
  globalAveragePooling3d: (args?: GlobalPoolingArgs): GlobalAveragePooling3D =>
    new GlobalAveragePooling3D(optional(args, 'globalAveragePooling3d')),
  resizing: (args: ResizingArgs): Resizing => new Resizing(given(args, 'resizing')),
  rescaling: (args: RescalingArgs): Rescaling => new Rescaling(given(args, 'rescaling')),
  centerCrop: (args: CenterCropArgs): CenterCrop => new CenterCrop(given(args, 'centerCrop')),
  randomFlip: (args?: RandomFlipArgs): RandomFlip => new RandomFlip(optional(args, 'randomFlip')),
  randomCrop: (args: RandomCropArgs): RandomCrop => new RandomCrop(given(args, 'randomCrop')),
  randomBrightness: (args: RandomBrightnessArgs): RandomBrightness =>
    new RandomBrightness(given(args, 'randomBrightness')),
  randomContrast: (args: RandomContrastArgs): RandomContrast => new RandomContrast(given(args, 'randomContrast')),
  randomRotation: (args: RandomRotationArgs): RandomRotation => new RandomRotation(given(args, 'randomRotation')),
  randomZoom: (args: RandomZoomArgs): RandomZoom => new RandomZoom(given(args, 'randomZoom')),
  randomTranslation: (args: RandomTranslationArgs): RandomTranslation =>
    new RandomTranslation(given(args, 'randomTranslation')),
  randomWidth: (args: RandomStretchArgs): RandomWidth => new RandomWidth(given(args, 'randomWidth')),
  randomHeight: (args: RandomStretchArgs): RandomHeight => new RandomHeight(given(args, 'randomHeight')),
  categoryEncoding: (args: CategoryEncodingArgs): CategoryEncoding =>
    new CategoryEncoding(given(args, 'categoryEncoding')),
  reLU: (args?: ReLUArgs): ReLU => new ReLU(optional(args, 'reLU')),
  leakyReLU: (args?: AlphaArgs): LeakyReLU => new LeakyReLU(optional(args, 'leakyReLU')),
  elu: (args?: AlphaArgs): ELU => new ELU(optional(args, 'elu')),
  thresholdedReLU: (args?: ThresholdedReLUArgs): ThresholdedReLU =>
    new ThresholdedReLU(optional(args, 'thresholdedReLU')),
  softmax: (args?: SoftmaxArgs): Softmax => new Softmax(optional(args, 'softmax')),
  prelu: (args?: PReLUArgs): PReLU => new PReLU(optional(args, 'prelu')),
  srelu: (args?: SReLUArgs): SReLU => new SReLU(optional(args, 'srelu')),
  bidirectional: (args: BidirectionalArgs): Bidirectional => new Bidirectional(given(args, 'bidirectional')),
  convLstm2d: (args: ConvLSTM2DArgs): ConvLSTM2D => new ConvLSTM2D(given(args, 'convLstm2d')),
  convLstm2dCell: (args: ConvLSTM2DCellArgs): ConvLSTM2DCell => new ConvLSTM2DCell(given(args, 'convLstm2dCell')),
  gru: (args: GRUArgs): GRU => new GRU(given(args, 'gru')),
  gruCell: (args: GRUCellArgs): GRUCell => new GRUCell(given(args, 'gruCell')),
  lstm: (args: LSTMArgs): LSTM => new LSTM(given(args, 'lstm')),
  lstmCell: (args: LSTMCellArgs): LSTMCell => new LSTMCell(given(args, 'lstmCell')),
  rnn: (args: RNNArgs): RNN => new RNN(given(args, 'rnn')),
  simpleRNN: (args: SimpleRNNArgs): SimpleRNN => new SimpleRNN(given(args, 'simpleRNN')),
  simpleRNNCell: (args: GatedCellArgs): SimpleRNNCell => new SimpleRNNCell(given(args, 'simpleRNNCell')),
  stackedRNNCells: (args: StackedRNNCellsArgs): StackedRNNCells => new StackedRNNCells(given(args, 'stackedRNNCells')),
  reshape: (args: ReshapeArgs): Reshape => new Reshape(given(args, 'reshape')),
  permute: (args: PermuteArgs): Permute => new Permute(given(args, 'permute')),
  repeatVector: (args: RepeatVectorArgs): RepeatVector => new RepeatVector(given(args, 'repeatVector')),
  timeDistributed: (args: TimeDistributedArgs): TimeDistributed => new TimeDistributed(given(args, 'timeDistributed')),
  // Other names that TensorFlow.js has for the same.
  avgPool1d: (args?: PoolingArgs): AveragePooling1D => new AveragePooling1D(optional(args, 'avgPool1d')),
  avgPool2d: (args?: PoolingArgs): AveragePooling2D => new AveragePooling2D(optional(args, 'avgPool2d')),
  avgPool3d: (args?: PoolingArgs): AveragePooling3D => new AveragePooling3D(optional(args, 'avgPool3d')),
  avgPooling1d: (args?: PoolingArgs): AveragePooling1D => new AveragePooling1D(optional(args, 'avgPooling1d')),
  avgPooling2d: (args?: PoolingArgs): AveragePooling2D => new AveragePooling2D(optional(args, 'avgPooling2d')),
  avgPooling3d: (args?: PoolingArgs): AveragePooling3D => new AveragePooling3D(optional(args, 'avgPooling3d')),
  maxPool1d: (args?: PoolingArgs): MaxPooling1D => new MaxPooling1D(optional(args, 'maxPool1d')),
  maxPool2d: (args?: PoolingArgs): MaxPooling2D => new MaxPooling2D(optional(args, 'maxPool2d')),
  globalMaxPool1d: (args?: GlobalPoolingArgs): GlobalMaxPooling1D =>
    new GlobalMaxPooling1D(optional(args, 'globalMaxPool1d')),
  globalMaxPool2d: (args?: GlobalPoolingArgs): GlobalMaxPooling2D =>
    new GlobalMaxPooling2D(optional(args, 'globalMaxPool2d')),
});
