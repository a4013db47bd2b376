import { HttpFailure } from '#platform/http/http-failure'
import { z } from 'zod'
import {
  ProviderRefusal,
  PublicationRefused,
  type FxProvider,
  type Publication,
  type QuotedRate,
} from '../provider.ts'
import type { ProviderParts } from '../providers.ts'
import { JsonNumber, parseStrictJson } from '../strict-json.ts'
import { fetchDocument } from './document.ts'

/** A keyed provider in the Open Exchange Rates form: the folder of its API, ending in a slash, and the key, which goes
 *  into the query as that form has it. */
export type OpenExchangeRatesOptions = {
  readonly url: string
  readonly appId: string
  /** What its plan allows; retries count. */
  readonly callsPerMonthMax: number
}

/** The answer has 4 KB; the limit is the fault matrix's for any provider. */
const bodyBytesMax = 1024 * 1024

type Parts = Pick<ProviderParts, 'http' | 'clock' | 'guardFor'>

/** What the free plan is updated by: 720 calls a month of its 1,000. */
const rhythm = { everyMs: 3600 * 1000 }

/** About 170 currencies per US dollar, hourly. As-of is its timestamp. */
export function createOpenExchangeRates(
  { url: folder, appId, callsPerMonthMax }: OpenExchangeRatesOptions,
  { http, clock, guardFor }: Parts,
): FxProvider {
  const quota = { callsMax: callsPerMonthMax, period: 'month' } as const
  const guard = guardFor(quota)
  const source = { provider: 'open-exchange-rates', base: 'USD' }
  const fetch = async (symbols: string | undefined, signal: AbortSignal): Promise<Publication> => {
    const url = new URL('latest.json', folder)
    url.searchParams.set('app_id', appId)
    if (symbols !== undefined) {
      url.searchParams.set('symbols', symbols)
    }
    const request = { url: url.href, mediaTypes: ['application/json'], bodyBytesMax, guard, signal }
    const answer = fetchDocument(http, request, parseOpenExchangeRates)
    const { document, httpCalls } = await answer.catch(explainRefusal)
    return { ...source, ...document, fetchedAt: clock.now(), httpCalls }
  }
  return {
    name: source.provider,
    base: source.base,
    quotes: ['fiat'],
    rhythm,
    quota,
    fetchLatest: (signal) => fetch(undefined, signal),
    fetchOne: (asset, signal) => fetch(asset, signal),
  }
}

const latest = z.object({
  timestamp: z.instanceof(JsonNumber),
  base: z.string(),
  rates: z.record(z.string().min(1).max(40), z.instanceof(JsonNumber)),
})

/** Reads `{ disclaimer, license, timestamp, base, rates }`.
 *  @throws {PublicationRefused} if it is anything else, or its base is not the US dollar */
export function parseOpenExchangeRates(text: string): {
  readonly asOf: Date
  readonly rates: readonly QuotedRate[]
} {
  const parsed = latest.safeParse(parseStrictJson(text))
  if (!parsed.success) {
    throw new PublicationRefused('the document is not a list of rates')
  }
  const { base, timestamp, rates } = parsed.data
  if (base !== 'USD' || (rates['USD'] !== undefined && Number(rates['USD'].text) !== 1)) {
    throw new PublicationRefused('the rates are not per USD')
  }
  if (!/^\d{9,10}$/.test(timestamp.text)) {
    throw new PublicationRefused('the timestamp is not in seconds')
  }
  const quotes = Object.entries(rates)
    .filter(([code]) => code !== 'USD')
    .map(([code, rate]) => [code, rate.text] as const)
  return { asOf: new Date(Number(timestamp.text) * 1000), rates: quotes }
}

/** Source: docs.openexchangerates.org, "Errors". Anything else keeps its status alone. */
const refusals: Readonly<Record<string, string>> = {
  missing_app_id: 'no app id was sent',
  invalid_app_id: 'the app id is not valid; check the configured one',
  not_allowed: 'the plan does not allow this request',
  access_restricted: 'the plan is used up or the account is restricted',
  invalid_base: 'the plan does not allow this base',
  not_found: 'there is nothing at the configured URL',
}

const errorDocument = z.object({ error: z.literal(true), message: z.string() })

function explainRefusal(error: unknown): never {
  if (error instanceof HttpFailure && error.body !== undefined && error.body !== '') {
    const message = errorDocument.safeParse(parseOrUndefined(error.body)).data?.message ?? ''
    const meaning = Object.hasOwn(refusals, message) ? refusals[message] : undefined
    if (meaning !== undefined) {
      throw new ProviderRefusal(`${meaning} (${message})`, error.httpCalls, error)
    }
  }
  throw error
}

function parseOrUndefined(text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (error) {
    if (error instanceof PublicationRefused) {
      return undefined
    }
    throw error
  }
}
