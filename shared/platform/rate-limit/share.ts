import { hash } from 'node:crypto'
import { connectRedis, type RedisPlace } from '../cache/redis-connection.ts'
import { createRedisCalls } from '../cache/redis-calls.ts'
import { createRedisPresence } from '../cache/redis-presence.ts'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import { defineShareScript } from './share-script.ts'
import type { Counted, WindowCounts } from './window-counts.ts'

/** Where the counts of all processes meet, and under which prefix. */
export type SharePlace = RedisPlace & { readonly prefix: string }

/** The clock that names windows: Redis' own, as far as it was heard of. */
export type SharedTime = {
  nowMs(): number
  /** The server's clock was read between these two moments of ours. */
  set(serverMs: number, sentAtMs: number, heardAtMs: number): void
}

type Needs = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'>
}

/** Between two exchanges; in so long another process learns of what was counted here. */
const everyMs = 100
/** Of one policy in one exchange: more would keep Redis from others for milliseconds, and fill it. */
const partitionsMax = 250

/** Exchanges counts with the other processes, behind all answers: nobody waits for it, and while Redis is away each process
 *  goes on by what it has counted itself.
 *  @returns one exchange at once, for tests; it never rejects */
export function startSharing(
  all: readonly WindowCounts[],
  time: SharedTime,
  place: SharePlace,
  needs: Needs,
): () => Promise<void> {
  const { clock, random, lifecycle } = needs
  const stop = new AbortController()
  const presence = createRedisPresence(needs.log, 'Redis rate limits')
  const connection = connectRedis('tidegate-limits', place, needs)
  const { redis } = connection
  lifecycle.defer('rate limits', async () => {
    stop.abort()
    presence.leave()
    redis.disconnect()
  })
  defineShareScript(redis)
  const named = { name: 'redis-limits', subject: 'Redis rate limits' } as const
  const calls = createRedisCalls(connection, { ...place, ...named, presence }, needs)
  const self = random.uuid()

  async function shareOne(counts: WindowCounts): Promise<void> {
    const nowMs = time.nowMs()
    const counted = calls.usable() ? counts.collect(partitionsMax, nowMs) : []
    if (counted.length === 0) {
      return
    }
    const index = Math.floor(nowMs / counts.windowMs)
    const sent = counted.map(({ own, ownBefore }) => ({ own, ownBefore }))
    const keyOf = (window: number): string =>
      `${place.prefix}:{${counts.policy.name}:${counts.policy.windowSeconds}}:${window}`
    const keys = [keyOf(index), keyOf(index - 1)]
    const fields = counted.flatMap((one) => fieldsOf(one, self))
    const sentAtMs = clock.monotonicMs()
    const given = await calls.ask(() =>
      redis.rateLimitShare(...keys, 3 * counts.windowMs, ...fields),
    )
    if (!Array.isArray(given)) {
      counts.putBack(counted)
      return
    }
    const [serverMs, ...totals] = given.map(Number)
    time.set(serverMs ?? Number.NaN, sentAtMs, clock.monotonicMs())
    counted.forEach((one, at) => {
      const { own = 0, ownBefore = 0 } = sent[at] ?? {}
      const others = (totals[2 * at] ?? 0) - own
      learn(one, index, { others, othersBefore: (totals[2 * at + 1] ?? 0) - ownBefore })
    })
  }

  async function exchange(): Promise<void> {
    await Promise.all(all.map(shareOne))
  }
  const pause = async (): Promise<boolean> =>
    clock.sleep(everyMs, stop.signal).then(
      () => true,
      () => false,
    )
  async function goOn(): Promise<void> {
    while (await pause()) {
      await exchange()
    }
  }
  lifecycle.background('rate limits', goOn())
  return exchange
}

/** A digest stands for the partition: names of any length and content, and addresses are nobody's to read. */
function fieldsOf({ partition, serial, own, ownBefore }: Counted, self: string) {
  const field = hash('sha256', partition, 'base64url').slice(0, 22)
  return [field, `${field}:${self}:${serial}`, own, ownBefore]
}

/** What others have counted never becomes less within a window, whatever Redis has lost. */
function learn(
  counted: Counted,
  index: number,
  heard: { readonly others: number; readonly othersBefore: number },
): void {
  if (counted.windowIndex === index) {
    counted.others = Math.max(counted.others, heard.others)
    counted.othersBefore = Math.max(counted.othersBefore, heard.othersBefore)
  } else if (counted.windowIndex === index + 1) {
    counted.othersBefore = Math.max(counted.othersBefore, heard.others)
  }
}
