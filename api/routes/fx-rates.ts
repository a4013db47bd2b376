import { findRates } from '#fx'
import { findAsset } from '#money'
import { Problem, type Fault } from '#platform/problem'
import { problems } from '#platform/resource/problems'
import { authenticate } from '../http/authenticate.ts'
import { defineRead } from '../http/define-read.ts'
import { searchOf, sendJson } from '../http/exchange.ts'

/** The most quotes that one request may ask for; there are about 180 currencies. */
const quotesMax = 200

/** `GET /api/v2/fx/rates?base=GBP&quotes=EUR,USD`: the newest rate of one base in many quotes, in one statement.
 *  A rate that no publisher quotes is computed through the publisher's base and says so (`derived`). */
export const fxRates = defineRead({
  path: '/fx/rates',
  async handle({ db, clock, fx }, request, response) {
    await authenticate(db, request, 'fx:read')
    const { base, quotes } = parseQuery(searchOf(request))
    const at = clock.now()
    const rates = await findRates({ db }, { base, quotes, at, providers: fx.options.providers })
    const found = new Set(rates.map((rate) => rate.quote))
    const data = {
      base,
      rates: rates.map((rate) => ({
        quote: rate.quote,
        rate: rate.rate,
        provider: rate.provider,
        isDerived: rate.legBase !== base,
        legBase: rate.legBase,
        baseLeg: rate.baseLeg,
        quoteLeg: rate.quoteLeg,
        asOf: rate.asOf,
        fetchedAt: rate.fetchedAt,
      })),
      missing: quotes.filter((quote) => !found.has(quote)),
    }
    sendJson(request, response, JSON.stringify({ data }))
  },
})

function parseQuery(search: string): { base: string; quotes: readonly string[] } {
  const faults: Fault[] = []
  const parameters = new URLSearchParams(search)
  const fail = (name: string, detail: string): void =>
    void faults.push({ detail, pointer: `#/query/${name}` })
  for (const name of new Set(parameters.keys())) {
    if (name !== 'base' && name !== 'quotes') {
      fail(name, 'unknown parameter')
    } else if (parameters.getAll(name).length > 1) {
      fail(name, 'given more than once; separate the codes by commas')
    }
  }
  const base = parameters.get('base') ?? ''
  const quotes = [...new Set((parameters.get('quotes') ?? '').split(','))]
  if (!findAsset(base)) {
    fail('base', 'must be the code of a currency or token, as GBP')
  }
  for (const quote of quotes.filter((one) => !findAsset(one)).slice(0, 10)) {
    fail('quotes', `"${quote.slice(0, 20)}" is not the code of a currency or token`)
  }
  if (quotes.length > quotesMax) {
    fail('quotes', `at most ${quotesMax} codes`)
  }
  if (faults.length > 0) {
    throw new Problem(problems.invalidQuery, 'Ask for one base and one or more quotes.', { faults })
  }
  return { base, quotes }
}
