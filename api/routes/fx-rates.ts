import { z } from 'zod'
import { findRates, nextPublication, type CrossRate } from '#fx'
import { findAsset } from '#money'
import { anyRowTag, tableTag } from '#platform/cache/dependencies'
import { defineRead } from '../http/define-read.ts'

/** The most quotes that one request may ask for; there are about 180 currencies. */
const quotesMax = 200

const code = z
  .string({ error: 'this read needs it' })
  .refine((text) => findAsset(text) !== undefined, {
    error: ({ input }) => `"${String(input).slice(0, 20)}" is not the code of a currency or token`,
  })
const decimal = z.string().regex(/^\d+(\.\d+)?$/)

const rate = z.object({
  quote: z.string(),
  rate: decimal,
  provider: z.string(),
  isDerived: z.boolean(),
  legBase: z.string(),
  baseLeg: decimal,
  quoteLeg: decimal,
  asOf: z.iso.datetime(),
  fetchedAt: z.iso.datetime(),
})

/** Any publication may be the newest of a pair, or a leg of it. */
const tags = ['fx_rates', 'assets'].flatMap((table) => [tableTag(table), anyRowTag(table)])

const endOf = ({ asOf, stalenessSecondsMax }: CrossRate): number =>
  Date.parse(asOf) + 1000 * stalenessSecondsMax

/** `GET /api/v2/fx/rates?base=GBP&quotes=EUR,USD`: the newest rate of one base in many quotes, in one statement.
 *  A rate that no publisher quotes is computed through the publisher's base and says so (`isDerived`). */
export const fxRates = defineRead({
  operationId: 'getFxRates',
  summary: 'Read the newest rates of one currency in others',
  path: '/fx/rates',
  scope: 'fx:read',
  query: z.object({
    base: code.meta({ description: 'The currency or token that one unit is of.', example: 'GBP' }),
    quotes: z
      .preprocess(
        (text) => (typeof text === 'string' ? text.split(',') : text),
        z.array(code, { error: 'this read needs it' }).max(quotesMax),
      )
      .meta({ description: 'Codes, separated by commas.', param: { explode: false } }),
  }),
  cache: { class: 'volatile', audience: () => 'public' },
  warm: ({ defaultCurrency, settlementAssets }) => ({
    base: defaultCurrency,
    quotes: settlementAssets.join(','),
  }),
  data: z.object({ base: z.string(), rates: z.array(rate), missing: z.array(z.string()) }),
  async read({ db, clock, fx }, { query: { base, quotes } }) {
    const wanted = { base, quotes: [...new Set(quotes)], at: clock.now() }
    const { providers } = fx.options
    const [rates, changesAt] = await Promise.all([
      findRates({ db }, { ...wanted, providers }),
      nextPublication(fx, wanted),
    ])
    const found = new Set(rates.map(({ quote }) => quote))
    const data = JSON.stringify({
      base,
      rates: rates.map((one) => ({
        quote: one.quote,
        rate: one.rate,
        provider: one.provider,
        isDerived: one.legBase !== base,
        legBase: one.legBase,
        baseLeg: one.baseLeg,
        quoteLeg: one.quoteLeg,
        asOf: one.asOf,
        fetchedAt: one.fetchedAt,
      })),
      missing: wanted.quotes.filter((quote) => !found.has(quote)),
    })
    // A rate that grows stale may be passed over for another provider's.
    const ends = rates.filter(({ isStale }) => !isStale).map(endOf)
    const until = Math.min(...ends, changesAt?.getTime() ?? Infinity)
    return { data, tags, ...(Number.isFinite(until) && { validUntilMs: until }) }
  },
})
