import type { Clock } from '../clock.ts'
import type { Cache } from './cache.ts'
import { encode } from './encodings.ts'
import { entryOf, hold } from './held.ts'
import { Statistics } from './statistics.ts'

const unstamped = { epoch: '', snapshot: { xmin: 0, xmax: 0, xip: [] } }

/** A cache that keeps nothing: every read is fetched, and so is as new as the database. */
export function createOffCache({ clock }: { readonly clock: Clock }): Cache {
  const statistics = new Statistics()
  return {
    tiers: 'none',
    stamp: () => undefined,
    peek: () => undefined,
    async read(read) {
      const sentAtMs = clock.monotonicMs()
      const filledAtMs = clock.now().getTime()
      const filling = await read.fill()
      const fillMs = clock.monotonicMs() - sentAtMs
      const making = { ...read, sentAtMs, filledAtMs, fillMs }
      const entry = entryOf({ ...filling, stamp: filling.stamp ?? unstamped }, making)
      const held = hold(entry, { sentAtMs, confirmedAtMs: sentAtMs, checkedNumber: 0, spread: 1 })
      const served = {
        held: { ...held, isKept: false },
        outcome: 'miss',
        tier: 'memory',
        reason: 'off',
        ttlSeconds: 0,
        ageSeconds: 0,
        isStored: false,
        isCollapsed: false,
      } as const
      statistics.served(served)
      return served
    },
    warm: async () => 'refused',
    refreshing: () => 0,
    acknowledge: async () => undefined,
    encoded: (held, coding) => encode(held, coding, () => undefined),
    inspect: async () => ({}),
    kept: () => [],
    isCurrent: () => false,
    report: () => ({
      ...statistics.read(),
      tiers: 'none',
      entries: 0,
      bytes: 0,
      bytesMax: 0,
      evicted: 0,
      epoch: undefined,
      changes: 0,
      confirmedAgoMs: 0,
    }),
    catchUp: async () => undefined,
    ping: async () => undefined,
    redisUsage: async () => undefined,
  }
}
