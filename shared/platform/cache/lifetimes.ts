import type { CacheClass } from '../resource/define-resource.ts'
import type { Lifetime } from './entry.ts'

/** The lifetimes of the classes. For how long after its time an answer is served while a new one is fetched: a minute, for
 *  what lives long a tenth of it; what is volatile is fetched first. Being aged makes no answer untrue, for changes end it. */
export function lifetimesOf({
  ttlSeconds: { short, medium, long },
}: {
  readonly ttlSeconds: { readonly short: number; readonly medium: number; readonly long: number }
}): Readonly<Record<CacheClass, Lifetime>> {
  return {
    volatile: { freshSeconds: short, staleSeconds: 0 },
    short: { freshSeconds: short, staleSeconds: 60 },
    medium: { freshSeconds: medium, staleSeconds: 60 },
    long: { freshSeconds: long, staleSeconds: Math.ceil(long / 10) },
  }
}
