import { cacheSecondsMax, type CacheClass } from '../resource/define-resource.ts'
import type { Lifetime } from './entry.ts'

type Settings = {
  readonly ttlSeconds: { readonly short: number; readonly medium: number; readonly long: number }
}

/** The lifetimes of the classes. For how long after its time an answer is served while a new one is fetched: a minute, for
 *  what lives long a tenth of it; what is volatile is fetched first. Being aged makes no answer untrue, for changes end it. */
export function lifetimesOf({
  ttlSeconds: { short, medium, long },
}: Settings): Readonly<Record<CacheClass, Lifetime>> {
  return {
    volatile: { freshSeconds: short, staleSeconds: 0 },
    short: { freshSeconds: short, staleSeconds: 60 },
    medium: { freshSeconds: medium, staleSeconds: 60 },
    long: { freshSeconds: long, staleSeconds: Math.ceil(long / 10) },
  }
}

/** How long changes are kept: as long as the longest life that an answer can have in Redis, with what jitter adds. An older
 *  one is refused all the same, for the log says where it begins; it would only have been stored in vain. */
export function changeLogSecondsOf(settings: Settings): number {
  const lives = Object.values(lifetimesOf(settings)).map(
    ({ freshSeconds, staleSeconds }) => freshSeconds + staleSeconds,
  )
  return Math.ceil(1.1 * Math.max(cacheSecondsMax, ...lives))
}
