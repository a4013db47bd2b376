import type { Clock } from '../clock.ts'
import { isOutage } from '../database/outage.ts'
import type { Log } from '../log.ts'
import type { Cache, CacheRead, Warmed } from './cache.ts'

/** An answer that is to be kept before somebody asks for it. */
export type WarmRead = {
  readonly read: CacheRead
  /** Who wanted it, for figures. */
  readonly source: string
  /** What is kept does when it is fresh for longer than this; any that is fresh when left out. */
  readonly freshForMs?: number
}

/** What came of a warm-up. */
export type WarmUp = Readonly<Record<Warmed | 'failed', number>> & {
  /** Answers that were looked at, by who wanted them. */
  readonly sources: Readonly<Record<string, number>>
  /** False: it was stopped, or the database did not answer. */
  readonly isComplete: boolean
}

type Needs = {
  readonly cache: Pick<Cache, 'warm' | 'refreshing'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly log: Pick<Log, 'warn'>
  /** Whether those who wait for an answer need the database now. */
  readonly isBusy: () => boolean
  readonly signal: AbortSignal
}

/** One statement that took too long, or was not given a lock, says nothing of the next. */
const outagesMax = 3

/** Between two looks whether the database is free. */
const pauseMs = 5

/**
 * Warms answers in the order in which they come, `atOnce` at a time. It lets everybody else go first: while a request waits
 * for a connection, and while answers are refreshed, it begins nothing. It waits before it takes the flight of a key and not
 * within it, or a reader of the same answer would wait behind all others. Failures are counted; it ends with the third that
 * says that the database cannot answer now, and with any in finding what to warm.
 */
export async function warmUp(
  reads: AsyncIterable<WarmRead>,
  needs: Needs,
  atOnce: number,
): Promise<WarmUp> {
  const { cache, log, signal } = needs
  const counts = { kept: 0, found: 0, filled: 0, refused: 0, failed: 0 }
  const sources: Record<string, number> = {}
  const iterator = reads[Symbol.asyncIterator]()
  let isComplete = true
  let outages = 0

  /** False once nothing is left, or nothing more can be done. */
  async function warmNext(): Promise<boolean> {
    const next = await iterator.next()
    if (next.done === true) {
      return false
    }
    const { read, source, freshForMs } = next.value
    sources[source] = (sources[source] ?? 0) + 1
    try {
      counts[await cache.warm(read, freshForMs)] += 1
    } catch (error) {
      counts.failed += 1
      outages += isOutage(error) ? 1 : 0
      isComplete &&= outages < outagesMax
    }
    return isComplete
  }

  async function warmAll(): Promise<void> {
    try {
      for (let isMore = true; isMore;) {
        await untilQuiet(needs)
        isComplete &&= !signal.aborted
        isMore = isComplete && (await warmNext())
      }
    } catch (error) {
      // What is to be warmed is asked of the database too.
      isComplete = false
      log.warn({ err: error }, 'cache warm-up ended early')
    }
  }

  await Promise.all(Array.from({ length: atOnce }, warmAll))
  return { ...counts, sources, isComplete }
}

async function untilQuiet({ cache, clock, isBusy, signal }: Needs): Promise<void> {
  while (!signal.aborted && (isBusy() || cache.refreshing() > 0)) {
    await clock.sleep(pauseMs, signal).catch(() => undefined)
  }
}
