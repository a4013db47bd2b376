import { openLimits } from '../../api/http/limits.ts'
import { systemClock } from '../../shared/platform/clock.ts'
import { createLifecycle } from '../../shared/platform/lifecycle.ts'
import { createLog } from '../../shared/platform/log.ts'
import { systemRandom } from '../../shared/platform/random.ts'
import { median } from './quantile.ts'
import { openExpressRateLimit, openRateLimiterFlexible, rivalName } from './rivals.ts'

const keysCount = 1000
const takesPerRound = 50_000
const rounds = 15

/** CPU of counting one request of one of a thousand keys and writing both header fields of its answer: ours, and the memory
 *  stores of two limiters for Express in turns. Theirs answer with promises; the same strings are made from what they say. */
export async function printTakes(): Promise<void> {
  const log = createLog('bench', 'silent')
  const lifecycle = createLifecycle(log)
  const perMinute = {
    anonymous: 100,
    key: 100_000_000,
    load: 100_000_000,
    checkout: 10,
    payment: 5,
    webhooks: 50,
  }
  const limits = openLimits({ isEnabled: true, perMinute }, undefined, {
    clock: systemClock,
    random: systemRandom,
    log,
    lifecycle,
  })
  const quota = perMinute.key
  const [flexible, store] = [await openRateLimiterFlexible(quota), await openExpressRateLimit()]
  const callers = Array.from({ length: keysCount }, () => {
    const keyId = systemRandom.uuid()
    return { kind: 'secret', organisationId: '', keyId, scopes: [], class: 'standard' } as const
  })
  let length = 0
  const show = (remaining: number, resetMs: number): void => {
    length += `"key";q=${quota};w=60`.length
    length += `"key";r=${remaining};t=${Math.ceil(resetMs / 1000)}`.length
  }
  const ours = 'tidegate'
  const rivals: Readonly<Record<string, Take<(typeof callers)[number]>>> = {
    [ours](caller) {
      const { policyHeader = '', limitHeader = '' } = limits.takeFor(caller)
      length += policyHeader.length + limitHeader.length
    },
    async [rivalName('rate-limiter-flexible')]({ keyId }) {
      const { remainingPoints, msBeforeNext } = await flexible.consume(keyId)
      show(remainingPoints, msBeforeNext)
    },
    async [rivalName('express-rate-limit')]({ keyId }) {
      const { totalHits, resetTime } = await store.increment(keyId)
      show(quota - totalHits, resetTime.getTime() - Date.now())
    },
  }
  const spent = new Map(Object.keys(rivals).map((name) => [name, new Array<number>()]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, take] of Object.entries(rivals)) {
      const ns = await measure(callers, take)
      if (round > 0) {
        spent.get(name)?.push(ns)
      }
    }
  }
  const base = median(spent.get(ours) ?? [])
  for (const [name, all] of spent) {
    const ns = median(all)
    console.log(`${name.padEnd(32)} ${Math.round(ns)} ns (${(ns / base).toFixed(1)} x)`)
  }
  console.log(
    `\nCPU of one take and its two header fields, median of ${rounds} rounds in turns, ${keysCount} keys, no Redis; ${length} characters of headers`,
  )
  await lifecycle.stop()
}

type Take<Caller> = (caller: Caller) => Promise<void> | void

/** Nanoseconds of CPU for each take. What is answered at once is not awaited. */
async function measure<Caller>(callers: readonly Caller[], take: Take<Caller>): Promise<number> {
  const before = process.cpuUsage()
  for (let pass = 0; pass < takesPerRound / keysCount; pass += 1) {
    for (const caller of callers) {
      const taken = take(caller)
      if (taken !== undefined) {
        await taken
      }
    }
  }
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / takesPerRound
}
