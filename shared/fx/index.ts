export { FxBatch, fxBatchStatuses } from './fx-batch.ts'
export { FxRate } from './fx-rate.ts'
export { FxSnapshot, snapshotTypes, type SnapshotType } from './fx-snapshot.ts'
