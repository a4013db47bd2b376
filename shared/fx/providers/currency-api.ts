import { z } from 'zod'
import type { ProviderParts } from '../providers.ts'
import { PublicationRefused, type FxProvider, type QuotedRate } from '../provider.ts'
import { JsonNumber, parseStrictJson } from '../strict-json.ts'
import { fetchDocument, parseDay } from './document.ts'

/** The folder of fawazahmed0/exchange-api with one file per base, ending in a slash (its own host or a mirror):
 *  `{ date, <base>: { <code>: rate } }`, codes in lower case. */
export type CurrencyApiOptions = { readonly url: string }

/** The base that is fetched; the euro, as with the ECB. */
const base = 'EUR'

/** A file has 16 KB; the limit is the fault matrix's for any provider. */
const bodyBytesMax = 1024 * 1024

type Parts = Pick<ProviderParts, 'http' | 'clock' | 'guardFor'>

/** A file appears once a day, at no hour that could be relied on. */
const rhythm = { everyMs: 3600 * 1000 }

/** About 340 currencies and tokens, once a day, 8 significant digits. As-of is its date at midnight UTC. */
export function createCurrencyApi(
  { url: folder }: CurrencyApiOptions,
  { http, clock, guardFor }: Parts,
): FxProvider {
  const url = new URL(`${base.toLowerCase()}.json`, folder).href
  const guard = guardFor()
  const request = { url, mediaTypes: ['application/json', 'text/json'], bodyBytesMax, guard }
  return {
    name: 'currency-api',
    base,
    quotes: ['fiat', 'token'],
    rhythm,
    async fetchLatest(signal) {
      const { document, httpCalls } = await fetchDocument(http, { ...request, signal }, (text) =>
        parseCurrencyApi(text, base),
      )
      return { provider: 'currency-api', base, ...document, fetchedAt: clock.now(), httpCalls }
    },
  }
}

/** Reads one file. The rates' texts are left as written; only known codes are judged later, since tokens nobody
 *  trades are published with whatever their last price was.
 *  @throws {PublicationRefused} if it is not this base's file, or any of its rates is not a number */
export function parseCurrencyApi(
  text: string,
  expectedBase: string,
): { readonly asOf: Date; readonly rates: readonly QuotedRate[] } {
  const key = expectedBase.toLowerCase()
  const file = z.object({
    date: z.string(),
    [key]: z.record(z.string().min(1).max(40), z.instanceof(JsonNumber)),
  })
  const parsed = file.safeParse(parseStrictJson(text))
  const quotes = parsed.data?.[key]
  const date = parsed.data?.['date']
  if (quotes === undefined || typeof quotes === 'string' || typeof date !== 'string') {
    throw new PublicationRefused(`the document is not a list of rates per ${expectedBase}`)
  }
  if (quotes[key] !== undefined && Number(quotes[key].text) !== 1) {
    throw new PublicationRefused(`the document's ${expectedBase} is not 1, so its base is another`)
  }
  const rates = Object.entries(quotes)
    .filter(([code]) => code !== key)
    .map(([code, rate]) => [code.toUpperCase(), rate.text] as const)
  return { asOf: parseDay(date), rates }
}
