// Valid calls: callbacks and pictures of trainings.

/** Callbacks of every kind; none of them begins a training, so nothing is written. */
export const callbackCalls = (): Record<string, unknown[][]> => ({
  'callbacks.earlyStopping': [[{ monitor: 'loss', minDelta: 0.1, patience: 2, mode: 'min', baseline: 3 }]],
  'callbacks.modelCheckpoint': [[{ filepath: 'a/{epoch}.ckpt', saveBestOnly: true, saveFreq: 3 }]],
  'callbacks.backupAndRestore': [[{ backupDir: 'a', saveFreq: 'epoch', deleteCheckpoint: true }]],
  'callbacks.learningRateScheduler': [[(epoch: number) => epoch, 1]],
  'callbacks.reduceLROnPlateau': [[{ factor: 0.5, patience: 1, cooldown: 1, minLr: 0.1 }]],
  'callbacks.csvLogger': [['a.csv', { separator: ';', append: true }]],
  'callbacks.tensorBoard': [[{ logDir: 'a', histogramFreq: 1, updateFreq: 'batch' }]],
  'callbacks.terminateOnNaN': [[]],
  'callbacks.remoteMonitor': [[{ root: 'http://localhost', headers: { a: 'b' }, sendAsJson: true }]],
  'callbacks.lambda': [[{ onEpochEnd: () => {} }]],
  'callbacks.history': [[]],
  'callbacks.baseLogger': [[]],
  plotHistory: [[{ loss: [1, 0.5], val_loss: [1, 2] }, null, { metrics: ['loss'], width: 400 }]],
  'callbacks.progbarLogger': [[{ writer: { dynamic: false, write: () => {} } }]],
});
