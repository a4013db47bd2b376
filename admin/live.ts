import { TRPCError } from '@trpc/server'
import { askStatistics } from '#platform/cache/ask-caches'
import { readQueues } from '#platform/queue/operate-jobs'
import { statisticsOf } from './cache-figures.ts'
import type { AdminSlice } from './trpc.ts'

/** What an operator looks at, of one second. A part that cannot be had is null; the others are there. */
export type LiveFigures = {
  /** RFC 3339, UTC. */
  readonly at: string
  readonly health: Awaited<ReturnType<typeof healthOf>> | null
  readonly cache: Awaited<ReturnType<typeof cacheOf>> | null
  readonly queues: Awaited<ReturnType<typeof readQueues>> | null
}

export type LiveMessage = { readonly id: string; readonly figures: LiveFigures }

export type Live = {
  /** One message a second, after those that were missed since `lastId`, as far as they are kept. Whoever reads slowly misses
   *  some; nothing is kept for one reader.  @throws {TRPCError} when too many follow already */
  follow(lastId: string | undefined, signal: AbortSignal): AsyncGenerator<LiveMessage, void>
}

const periodMs = 1_000
/** A minute, for those whose connection was cut. */
const keptMax = 60
const followersMax = 100

/** Figures are taken once a second for all who follow, and not at all while nobody does. */
export function createLive(slice: AdminSlice): Live {
  const { clock, health } = slice
  const kept: LiveMessage[] = []
  let followers = 0
  let takenMs = -Infinity
  let next: Promise<void> | undefined

  async function take(): Promise<void> {
    await clock.sleep(Math.max(0, takenMs + periodMs - clock.monotonicMs()))
    takenMs = clock.monotonicMs()
    const figures = await figuresOf(slice)
    // The time, so that ids also grow over a restart; never twice the same, whatever the clock is set to.
    const id = Math.max(Date.parse(figures.at), Number(kept.at(-1)?.id ?? 0) + 1)
    kept.push({ id: String(id), figures })
    kept.splice(0, kept.length - keptMax)
  }

  async function* follow(lastId: string | undefined, signal: AbortSignal) {
    if (followers >= followersMax) {
      const message = `At most ${followersMax} may follow the figures.`
      throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message })
    }
    followers += 1
    try {
      let last = Number(lastId ?? kept.at(-1)?.id ?? 0)
      while (!signal.aborted && health.phase() !== 'draining') {
        const missed = kept.find(({ id }) => Number(id) > last)
        if (missed) {
          last = Number(missed.id)
          yield missed
        } else {
          next ??= take().finally(() => (next = undefined))
          await next
        }
      }
    } finally {
      followers -= 1
    }
  }

  return { follow }
}

async function figuresOf(slice: AdminSlice): Promise<LiveFigures> {
  const at = slice.clock.now().toISOString()
  const orNull = async <T>(part: Promise<T>): Promise<T | null> => {
    try {
      return await part
    } catch (error) {
      slice.log.debug({ err: error }, 'a live figure cannot be had')
      return null
    }
  }
  const [health, cache, queues] = await Promise.all([
    orNull(healthOf(slice)),
    orNull(cacheOf(slice)),
    orNull(readQueues(slice)),
  ])
  return { at, health, cache, queues }
}

async function healthOf({ health }: AdminSlice) {
  const { status, checks } = await health.report()
  const states = Object.entries(checks).map(([name, check]) => [name, check.status] as const)
  return { status, checks: Object.fromEntries(states) }
}

async function cacheOf(slice: AdminSlice) {
  const { known, answered, together } = statisticsOf(await askStatistics(slice))
  const { entries, bytes, bytesMax, reads, hitRatio } = together
  return { known, answered, entries, bytes, bytesMax, reads, hitRatio }
}
