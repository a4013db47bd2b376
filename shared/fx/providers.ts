import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'
import type { Guard, HttpClient } from '#platform/http/http-client'
import type { FxProvider, Quota } from './provider.ts'
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
  readonly openExchangeRates: {
    readonly url: string
    readonly appId: string | undefined
    /** What its plan allows; retries count. */
    readonly callsPerMonthMax: number
  }
}

export type ProviderParts = {
  readonly db: Runner
  readonly clock: Clock
  readonly http: HttpClient
  /** What stands between the provider and the wire: its circuit breaker and, where it names one, its quota. */
  readonly guardFor: (quota?: Quota) => Guard
}

type Open = (options: ProviderOptions, parts: ProviderParts) => FxProvider

const openers: Readonly<Record<ProviderName, Open>> = {
  ecb: ({ ecb }, parts) => createEcb(ecb, parts),
  'currency-api': (options, parts) => createCurrencyApi(options.currencyApi, parts),
  'open-exchange-rates': ({ openExchangeRates }, parts) => {
    const { appId, ...plan } = openExchangeRates
    if (appId === undefined) {
      throw new Error('open-exchange-rates needs an app id')
    }
    return createOpenExchangeRates({ ...plan, appId }, parts)
  },
  'demo-replay': (_options, parts) => createDemoReplay(parts),
}

/** Opens one provider by its name.  @throws {Error} if it lacks its configuration */
export function createProvider(
  name: ProviderName,
  options: ProviderOptions,
  parts: ProviderParts,
): FxProvider {
  return openers[name](options, parts)
}

/** The hosts that the given settings lead to: the client's allow-list. */
export function providerHosts(options: ProviderOptions): readonly string[] {
  const { ecb, currencyApi, openExchangeRates } = options
  const ofEcb = [ecb.dailyUrl, ecb.historyUrl, ecb.fullHistoryUrl]
  const urls = [...ofEcb, currencyApi.url, openExchangeRates.url]
  return urls.map((url) => new URL(url).host)
}
