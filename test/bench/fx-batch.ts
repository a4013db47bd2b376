import { ensureRates } from '../../shared/fx/index.ts'
import { startApi } from '../support/api.ts'
import { addTenant } from '../support/business.ts'
import type { Told } from './options.ts'
import { median } from './quantile.ts'
import { openQuotedBusiness, type QuotedBusiness } from './quoted-business.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'

const rounds = 9

/** Rates of one currency in many others, from a publisher that takes a stated time to answer. It is waiting that a batch
 *  saves, so the figures are time that passes, and the calls of the publisher beside them. Both are published, the cached
 *  and the cold one: 160 x is a cached read against one call for each pair, which no cold batch reaches. */
export const fxBatch: Scenario = {
  says: 'rates of many pairs: cached, stored, one cold batch, one call for each pair',
  needsServers: true,
  options: {
    pairs: ['40', 'of one base; 4 are measured too'],
    latency: ['50', 'milliseconds until the publisher answers'],
  },
  run,
}

async function run(told: Told): Promise<Findings> {
  const latencyMs = told.number('latency')
  const business = await openQuotedBusiness(told.number('pairs'), latencyMs)
  const ratios: Record<string, number> = {}
  console.log(`the publisher answers after ${latencyMs} ms; medians of ${rounds} rounds`)
  const ways = await openWays(business)
  for (const count of [4, business.quotes.length]) {
    const quotes = business.quotes.slice(0, count)
    const took: Record<string, number> = {}
    for (const [name, way] of Object.entries(ways)) {
      const { ms, calls } = await measure(
        business,
        () => way.prepare(quotes),
        () => way.go(quotes),
      )
      took[name] = ms
      console.log(
        `${count} pairs, ${name.padEnd(26)} ${ms.toFixed(2).padStart(9)} ms, ${calls} calls of the publisher`,
      )
    }
    const single = took['one call for each pair'] ?? Number.NaN
    for (const name of ['cached', 'stored', 'cold, one batch']) {
      const ratio = single / (took[name] ?? Number.NaN)
      ratios[`${count} pairs, ${name}`] = 1 / ratio
      console.log(
        `${count} pairs, ${name}: ${ratio.toFixed(1)} x as fast as one call for each pair`,
      )
    }
  }
  await business.lifecycle.stop()
  return { against: 'one call for each pair', ratios }
}

type Way = {
  readonly prepare: (quotes: readonly string[]) => Promise<unknown>
  readonly go: (quotes: readonly string[]) => Promise<unknown>
}

async function openWays(business: QuotedBusiness): Promise<Readonly<Record<string, Way>>> {
  const { fx, publisher } = business
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
  const inTurn = async (quotes: readonly string[], ask: (quote: string) => Promise<unknown>) => {
    for (const quote of quotes) {
      await ask(quote)
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
    'cold, one batch': { prepare: forget, go: ensure },
    'cold, pair by pair': {
      prepare: forget,
      go: (quotes) => inTurn(quotes, (quote) => ensure([quote])),
    },
    'one call for each pair': {
      prepare: forget,
      go: (quotes) =>
        inTurn(quotes, async () => (await fetch(`${publisher.origin}/one-pair`)).text()),
    },
  }
}

async function measure(
  { publisher }: QuotedBusiness,
  prepare: () => Promise<unknown>,
  go: () => Promise<unknown>,
): Promise<{ readonly ms: number; readonly calls: number }> {
  const took: number[] = []
  let calls = 0
  for (let round = 0; round < rounds; round += 1) {
    await prepare()
    publisher.calls = 0
    const beganMs = performance.now()
    await go()
    took.push(performance.now() - beganMs)
    calls = publisher.calls
  }
  return { ms: median(took), calls }
}
