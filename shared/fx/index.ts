export {
  captureSnapshots,
  type Capture,
  type CapturedSnapshot,
  type SnapshotType,
} from './capture-snapshots.ts'
export { ensureRates, type EnsureOptions } from './ensure-rates.ts'
export { createFx, type Fx, type FxOptions, type FxParts } from './fx.ts'
export { problems } from './problems.ts'
export { type FxProvider, type Publication, type QuotedRate } from './provider.ts'
export { providerNames, type ProviderName, type ProviderOptions } from './providers.ts'
export { findRates, type CrossRate, type RatesWanted } from './rates.ts'
export { refreshHistory, refreshRates } from './refresh.ts'
export { type RefreshResult, type RefreshStatus } from './refresh-result.ts'
