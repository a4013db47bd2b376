import type { Runner } from '../database/database.ts'
import { startSampling } from '../sampling.ts'
import { cacheSecondsMax, type CacheClass } from '../resource/define-resource.ts'
import type { Lifetime } from './entry.ts'
import { listLifetimes } from './set-lifetime.ts'

/** What each class lives, at the moment at which it is asked. */
export type Lifetimes = Readonly<Record<CacheClass, Lifetime>>

type Settings = {
  readonly ttlSeconds: { readonly short: number; readonly medium: number; readonly long: number }
}

/** The lifetimes of the classes. For how long after its time an answer is served while a new one is fetched: a minute, for
 *  what lives long a tenth of it; what is volatile is fetched first. Being aged makes no answer untrue, for changes end it. */
export function lifetimesOf({ ttlSeconds: { short, medium, long } }: Settings): Lifetimes {
  return {
    volatile: { freshSeconds: short, staleSeconds: 0 },
    short: { freshSeconds: short, staleSeconds: 60 },
    medium: { freshSeconds: medium, staleSeconds: 60 },
    long: { freshSeconds: long, staleSeconds: Math.ceil(long / 10) },
  }
}

/** The lifetimes of the settings, in whose place those go that operators have set: looked up at the start and every 15 s, so
 *  that is when a process knows of a new one. Answers that are kept already end when they would have ended. */
export function openLifetimes(
  settings: Settings,
  { db, ...needs }: { readonly db: Runner } & Parameters<typeof startSampling>[2],
): Lifetimes {
  const latest = startSampling('lifetimes of the cache', () => listLifetimes(db), needs)
  const now = (): Lifetimes => {
    const set = (latest()?.value ?? []).map((one) => [one.class, one.freshSeconds] as const)
    return lifetimesOf({ ttlSeconds: { ...settings.ttlSeconds, ...Object.fromEntries(set) } })
  }
  const live = (one: CacheClass): Lifetime => ({
    get freshSeconds() {
      return now()[one].freshSeconds
    },
    get staleSeconds() {
      return now()[one].staleSeconds
    },
  })
  return {
    volatile: live('volatile'),
    short: live('short'),
    medium: live('medium'),
    long: live('long'),
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
