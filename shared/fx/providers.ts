import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import type { Guard, HttpClient } from '#platform/http/http-client'
import type { FxProvider } from './provider.ts'
import { createCurrencyApi, type CurrencyApiOptions } from './providers/currency-api.ts'
import { createDemoReplay } from './providers/demo-replay.ts'
import { createEcb, type EcbOptions } from './providers/ecb.ts'
import { createOpenExchangeRates } from './providers/open-exchange-rates.ts'

/** Every provider there is. The configured order is the order of preference. */
export const providerNames = ['ecb', 'currency-api', 'open-exchange-rates', 'demo-replay'] as const

export type ProviderName = (typeof providerNames)[number]

export type ProviderOptions = {
  readonly ecb: EcbOptions
  readonly currencyApi: CurrencyApiOptions
  /** Without a key, the provider may not be among the configured ones. */
  readonly openExchangeRates: { readonly url: string; readonly appId: string | undefined }
}

export type ProviderParts = {
  readonly db: Runner
  readonly clock: Clock
  readonly http: HttpClient
  /** The circuit breaker of each provider. */
  readonly guardFor: (name: ProviderName) => Guard
}

type Open = (options: ProviderOptions, parts: Omit<ProviderParts, 'guardFor'> & Wired) => FxProvider
type Wired = { readonly guard: Guard }

const openers: Readonly<Record<ProviderName, Open>> = {
  ecb: ({ ecb }, parts) => createEcb(ecb, parts),
  'currency-api': (options, parts) => createCurrencyApi(options.currencyApi, parts),
  'open-exchange-rates': ({ openExchangeRates }, parts) => {
    const { url, appId } = openExchangeRates
    if (appId === undefined) {
      throw new Error('open-exchange-rates needs an app id')
    }
    return createOpenExchangeRates({ url, appId }, parts)
  },
  'demo-replay': (_options, parts) => createDemoReplay(parts),
}

/** Opens one provider by its name.  @throws {Error} if it lacks its configuration */
export function createProvider(
  name: ProviderName,
  options: ProviderOptions,
  { guardFor, ...parts }: ProviderParts,
): FxProvider {
  return openers[name](options, { ...parts, guard: guardFor(name) })
}

/** The hosts that the given settings lead to: the client's allow-list. */
export function providerHosts(options: ProviderOptions): readonly string[] {
  const { ecb, currencyApi, openExchangeRates } = options
  const urls = [ecb.dailyUrl, ecb.historyUrl, currencyApi.url, openExchangeRates.url]
  return urls.map((url) => new URL(url).host)
}
