import type { Subscriber } from '#platform/outbox/subscriber'
import type { WorkerSlice } from './app.ts'
import { recordExpiry } from './subscribers/record-expiry.ts'
import { verifyFrozenRates } from './subscribers/verify-frozen-rates.ts'

/** Everybody who is given events of the outbox. */
export const subscribers: readonly Subscriber<WorkerSlice>[] = [verifyFrozenRates, recordExpiry]
