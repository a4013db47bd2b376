import { sql } from 'kysely'
import { ensureRates } from '../../shared/fx/index.ts'
import { refreshFxRates } from '../../worker/jobs/refresh-fx-rates.ts'
import { startApi } from '../support/api.ts'
import { addTenant } from '../support/business.ts'
import type { Told } from './options.ts'
import { median } from './quantile.ts'
import { openQuotedBusiness, type QuotedBusiness } from './quoted-business.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'

const rounds = 9

/** Rates of one currency in many others, from a publisher that takes a stated time to answer. It is waiting that a batch
 *  saves, so the figures are time that passes, and the calls of the publisher and the statements beside them. Both are published,
 *  the cached and the cold one: 160 x is a cached read against one call for each pair, which no cold batch reaches. */
export const fxBatch: Scenario = {
  says: 'rates of many pairs: cached, stored, the job in one batch, one call for each pair',
  needsServers: true,
  options: {
    pairs: ['40', 'of one base; 4 are measured too'],
    latency: ['50', 'milliseconds until the publisher answers'],
  },
  run,
}

const rival = 'one call for each pair'

async function run(told: Told): Promise<Findings> {
  const latencyMs = told.number('latency')
  const business = await openQuotedBusiness(told.number('pairs'), latencyMs)
  const ratios: Record<string, number> = {}
  console.log(`the publisher answers after ${latencyMs} ms; medians of ${rounds} rounds`)
  const ways = await openWays(business)
  for (const count of [4, business.quotes.length]) {
    const quotes = business.quotes.slice(0, count)
    await settleIn(business, quotes)
    const took: Record<string, number> = {}
    for (const [name, way] of Object.entries(ways)) {
      const { ms, calls, statements } = await measure(business, way, quotes)
      took[name] = ms
      const spent = `${calls} calls of the publisher, ${statements} statements`
      console.log(`${count} pairs, ${name.padEnd(28)} ${ms.toFixed(2).padStart(9)} ms, ${spent}`)
    }
    const single = took[rival] ?? Number.NaN
    for (const name of Object.keys(ways).filter((one) => one !== rival)) {
      const ratio = single / (took[name] ?? Number.NaN)
      ratios[`${count} pairs, ${name}`] = 1 / ratio
      console.log(`${count} pairs, ${name}: ${ratio.toFixed(1)} x as fast as ${rival}`)
    }
  }
  await business.lifecycle.stop()
  return { against: rival, ratios }
}

type Way = {
  readonly prepare: (quotes: readonly string[]) => Promise<unknown>
  readonly go: (quotes: readonly string[]) => Promise<unknown>
}

async function openWays(business: QuotedBusiness): Promise<Readonly<Record<string, Way>>> {
  const { db, fx, singleFx, publisher } = business
  const forget = () => business.forget()
  const { secretKey } = await addTenant(business, 'quoted')
  const cache = { tiers: 'memory', memoryBytesMax: 16_777_216 } as const
  const api = await startApi(business, { cache })
  const headers = { authorization: `Bearer ${secretKey}` }
  const read = async (quotes: readonly string[]): Promise<void> => {
    const address = `${api.origin}/api/v2/fx/rates?base=GBP&quotes=${quotes.join(',')}`
    const response = await fetch(address, { headers })
    const { data } = (await response.json()) as { data: { rates: unknown[] } }
    if (data.rates.length !== quotes.length) {
      throw new Error(`${data.rates.length} rates of ${quotes.length}`)
    }
  }
  const ensure = (quotes: readonly string[]) => ensureRates(fx, 'GBP', quotes)
  const queues = { enqueue: () => Promise.resolve('') }
  const job = async (rates: typeof fx, quotes: readonly string[]): Promise<void> => {
    const jobRun = { signal: new AbortController().signal } as never
    const { rows = 0 } = await refreshFxRates.run({ db, fx: rates, queues }, {}, jobRun)
    if (rows < quotes.length) {
      throw new Error(`${rows} rates stored for ${quotes.length} pairs`)
    }
  }
  return {
    cached: {
      async prepare(quotes) {
        await ensure(quotes)
        await read(quotes)
      },
      go: read,
    },
    stored: { prepare: ensure, go: ensure },
    'cold, the job': { prepare: forget, go: (quotes) => job(fx, quotes) },
    'cold, ENABLE_FX_BATCH=false': { prepare: forget, go: (quotes) => job(singleFx, quotes) },
    [rival]: {
      prepare: forget,
      async go(quotes) {
        for (const quote of quotes) {
          await (await fetch(`${publisher.origin}/one-pair?quote=${quote}`)).text()
        }
      },
    },
  }
}

/** Organisations that use exactly these currencies and the pound. */
async function settleIn({ db }: QuotedBusiness, quotes: readonly string[]): Promise<void> {
  await db.run(sql`delete from organisations where slug like 'settled-%'`)
  for (let from = 0; from < quotes.length; from += 4) {
    // a last group that is not full is filled up with the four that everybody has
    const assets = [...new Set([...quotes.slice(from, from + 4), ...quotes])].slice(0, 4)
    await db.run(sql`
      insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Settled', ${`settled-${from}`}, 'GBP', ${assets}::text[])`)
  }
}

async function measure(
  business: QuotedBusiness,
  way: Way,
  quotes: readonly string[],
): Promise<{ readonly ms: number; readonly calls: number; readonly statements: number }> {
  const { publisher } = business
  const took: number[] = []
  let calls = 0
  let statements = 0
  for (let round = 0; round < rounds; round += 1) {
    await way.prepare(quotes)
    publisher.calls = 0
    const before = business.statements()
    const beganMs = performance.now()
    await way.go(quotes)
    took.push(performance.now() - beganMs)
    calls = publisher.calls
    statements = business.statements() - before
  }
  return { ms: median(took), calls, statements }
}
