import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import { startSharing, type SharedTime, type SharePlace } from './share.ts'
import { WindowCounts, type Verdict } from './window-counts.ts'
import type { Policy } from './window.ts'

/** Counts one policy; every call is synchronous, waits for nothing and never fails. */
export type Quota = {
  readonly policy: Policy
  /** Counts `cost`, 1 when left out, if there is room; what is refused is not counted.
   *  @param partition whose quota it is: a key, an address */
  take(partition: string, cost?: number): Verdict
  /** What `take` would say, counting nothing. */
  look(partition: string): Verdict
}

export type Limiter<Name extends string> = {
  readonly quotas: Readonly<Record<Name, Quota>>
  /** Exchanges counts with the other processes now instead of within 100 ms. Never rejects. */
  readonly exchange: () => Promise<void>
}

type Needs = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'>
}

/** Of one policy: about 200 bytes each. */
const partitionsMax = 100_000

/** A clock of Redis is not taken over for less, for it is known no better than a command takes. */
const noticedMs = 20

/**
 * Opens the limits of one process. Decisions are made from what was counted here and what was last heard of the other
 * processes, which is exchanged through Redis behind the answers; without Redis each process counts for itself.
 * @param policies by the names under which they are used
 * @param place undefined: there is no Redis
 */
export function openLimiter<Name extends string>(
  policies: Readonly<Record<Name, Policy>>,
  place: SharePlace | undefined,
  needs: Needs,
): Limiter<Name> {
  const time = sharedTime(needs.clock)
  const all: WindowCounts[] = []
  const quotas = Object.entries<Policy>(policies).map(([name, policy]): [string, Quota] => {
    const counts = new WindowCounts(policy, partitionsMax)
    all.push(counts)
    const take: Quota['take'] = (partition, cost = 1) => counts.take(partition, time.nowMs(), cost)
    return [name, { policy, take, look: (partition) => counts.look(partition, time.nowMs()) }]
  })
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys it was given
    quotas: Object.fromEntries(quotas) as Readonly<Record<Name, Quota>>,
    exchange: place ? startSharing(all, time, place, needs) : async () => undefined,
  }
}

/** Windows that processes share need one clock: that of Redis, told with every exchange and counted on by a clock that never
 *  jumps. Until it is heard of, and without Redis, it is this machine's at the start, whatever that is set to later. */
function sharedTime(clock: Pick<Clock, 'now' | 'monotonicMs'>): SharedTime {
  let offsetMs = clock.now().getTime() - clock.monotonicMs()
  return {
    nowMs: () => clock.monotonicMs() + offsetMs,
    set(serverMs, sentAtMs, heardAtMs) {
      const heardMs = serverMs - (sentAtMs + heardAtMs) / 2
      const toleratedMs = noticedMs + (heardAtMs - sentAtMs) / 2
      if (Math.abs(heardMs - offsetMs) > toleratedMs) {
        offsetMs = heardMs
      }
    },
  }
}
