// `tf.callbacks`: what training calls at its turns.

import { BackupAndRestore, type BackupAndRestoreArgs } from './backup.ts';
import type { CallbackModel } from './callback.ts';
import { ModelCheckpoint, type ModelCheckpointArgs } from './checkpoint.ts';
import { CSVLogger, type CSVLoggerArgs } from './csv.ts';
import { CustomCallback, type CustomCallbackArgs } from './custom.ts';
import { EarlyStopping, type EarlyStoppingArgs } from './early-stopping.ts';
import { BaseLogger, History } from './history.ts';
import { loadCheckpoint } from './model-state.ts';
import { TerminateOnNaN } from './nan.ts';
import { ProgbarLogger, type ProgbarOptions } from './progbar.ts';
import { LearningRateScheduler, ReduceLROnPlateau, type ReduceLROnPlateauArgs, type Schedule } from './rates.ts';
import { RemoteMonitor, type RemoteMonitorArgs } from './remote.ts';
import { TensorBoard, type TensorBoardArgs } from './tensorboard.ts';

/**
 * Callbacks for `fit`. All throw ArgumentError for an option that there is not or that has no such value. Those
 * that write files need Node: elsewhere they throw DeviceError when training begins.
 */
export const callbacks = Object.freeze({
  /** Ends training when a metric has not got better for `patience` epochs. */
  earlyStopping: (args?: EarlyStoppingArgs): EarlyStopping => new EarlyStopping(args),
  /** Saves the model after epochs or batches, or only when it is better than before. */
  modelCheckpoint: (args: ModelCheckpointArgs): ModelCheckpoint => new ModelCheckpoint(args),
  /** Keeps the state of training in a folder; a training that was killed goes on from there. */
  backupAndRestore: (args: BackupAndRestoreArgs): BackupAndRestore => new BackupAndRestore(args),
  /** Sets the learning rate of each epoch: `schedule(epoch, rate)`. */
  learningRateScheduler: (schedule: Schedule, verbose?: number): LearningRateScheduler =>
    new LearningRateScheduler(schedule, verbose),
  /** Lowers the learning rate when a metric does not get better. */
  reduceLROnPlateau: (args?: ReduceLROnPlateauArgs): ReduceLROnPlateau => new ReduceLROnPlateau(args),
  /** Writes the metrics of each epoch as a line of a file. */
  csvLogger: (filename: string, args?: CSVLoggerArgs): CSVLogger => new CSVLogger(filename, args),
  /** Writes event files for TensorBoard: metrics, and if asked for weights and graph. */
  tensorBoard: (args?: TensorBoardArgs): TensorBoard => new TensorBoard(args),
  /** Ends training when the loss is NaN or infinite. */
  terminateOnNaN: (): TerminateOnNaN => new TerminateOnNaN(),
  /** Posts the metrics of each epoch to a server. */
  remoteMonitor: (args?: RemoteMonitorArgs): RemoteMonitor => new RemoteMonitor(args),
  /** A callback of functions: `{onEpochEnd: (epoch, logs) => …}`. */
  lambda: (args?: CustomCallbackArgs): CustomCallback => new CustomCallback(args),
  /** Keeps the metrics of each epoch; `fit` has one of its own. */
  history: (): History => new History(),
  /** Means over the batches of an epoch, for training loops of one's own. */
  baseLogger: (): BaseLogger => new BaseLogger(),
  /** The progress bar; `fit` has one of its own. */
  progbarLogger: (args?: ProgbarOptions): ProgbarLogger => new ProgbarLogger(args),
  /** See `loadCheckpoint`: reads what `modelCheckpoint` wrote. */
  loadCheckpoint: (model: CallbackModel, filepath: string): Promise<void> => loadCheckpoint(model, filepath),
});
