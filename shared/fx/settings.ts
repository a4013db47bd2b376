import { flag, integer, listOf, text, url } from '#platform/config/kinds'
import type { ProviderOptions } from './providers.ts'
import { defineSettings, type Fault, type Values } from '#platform/config/setting'

/** The providers of exchange rates that the product knows. `demo-replay` dates the last known day today. */
export const fxProviderNames = [
  'ecb',
  'currency-api',
  'open-exchange-rates',
  'demo-replay',
] as const
export type FxProviderName = (typeof fxProviderNames)[number]

/** Where exchange rates come from, in which order, and how they are fetched. */
export const fxSettings = defineSettings({
  FX_PROVIDERS: {
    schema: listOf(...fxProviderNames),
    standard: 'ecb,currency-api',
    meaning: 'The providers of exchange rates in the order in which they are asked and believed.',
  },
  ENABLE_FX_BATCH: {
    schema: flag(),
    standard: 'true',
    meaning:
      'Fetches all rates of a provider in one call; false makes one call for each currency that is wanted, as a way back.',
  },
  FX_ECB_DAILY_URL: {
    schema: url('https:', 'http:'),
    standard: 'https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml',
    meaning: "The European Central Bank's rates of the day.",
  },
  FX_ECB_HISTORY_URL: {
    schema: url('https:', 'http:'),
    standard: 'https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml',
    meaning: "The European Central Bank's rates of the last 90 days, to fill gaps.",
  },
  FX_ECB_FULL_HISTORY_URL: {
    schema: url('https:', 'http:'),
    standard: 'https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.xml',
    meaning:
      "All of the European Central Bank's rates since 1999 in the form of the 90-day file, for an empty or old history.",
  },
  FX_CURRENCY_API_URL: {
    schema: url('https:', 'http:'),
    standard: 'https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest/v1/currencies/',
    meaning:
      'The folder of the currency-api files, which also hold rates of tokens; ends with a slash.',
  },
  FX_OPEN_EXCHANGE_RATES_URL: {
    schema: url('https:', 'http:'),
    standard: 'https://openexchangerates.org/api/',
    meaning: 'A provider in the form of Open Exchange Rates; ends with a slash.',
  },
  OPEN_EXCHANGE_RATES_APP_ID: {
    schema: text('a key'),
    secret: true,
    example: 'your-app-id',
    meaning: 'The key for open-exchange-rates; needed when FX_PROVIDERS names it.',
  },
  OPEN_EXCHANGE_RATES_CALLS_PER_MONTH: {
    schema: integer({ min: 1, max: 100_000_000 }),
    standard: '1000',
    meaning:
      'Calls that the plan of open-exchange-rates allows in a month; all processes together stay within it, retries counted.',
  },
})

/** The part of the configuration that fetching rates is given. */
export type FxConfig = {
  /** In the order in which they are asked and believed. */
  readonly providers: readonly FxProviderName[]
  readonly isBatchEnabled: boolean
} & ProviderOptions

type FxValues = Values<typeof fxSettings>

/** Sorts checked values by provider. */
export function fxConfig(values: FxValues): FxConfig {
  return {
    providers: values.FX_PROVIDERS,
    isBatchEnabled: values.ENABLE_FX_BATCH,
    ecb: {
      dailyUrl: values.FX_ECB_DAILY_URL,
      historyUrl: values.FX_ECB_HISTORY_URL,
      fullHistoryUrl: values.FX_ECB_FULL_HISTORY_URL,
    },
    currencyApi: { url: values.FX_CURRENCY_API_URL },
    openExchangeRates: {
      url: values.FX_OPEN_EXCHANGE_RATES_URL,
      appId: values.OPEN_EXCHANGE_RATES_APP_ID,
      callsPerMonthMax: values.OPEN_EXCHANGE_RATES_CALLS_PER_MONTH,
    },
  }
}

/** What must hold between these settings. Values with a fault of their own are absent. */
export function checkFxRules(values: Partial<FxValues>): readonly Fault[] {
  const needsKey = values.FX_PROVIDERS?.includes('open-exchange-rates') === true
  if (!needsKey || values.OPEN_EXCHANGE_RATES_APP_ID !== undefined) {
    return []
  }
  const names = ['FX_PROVIDERS', 'OPEN_EXCHANGE_RATES_APP_ID']
  const problem = 'disagree: the provider open-exchange-rates is listed and its key is not set'
  return [{ names, problem, fix: 'set the key, or take the provider off the list' }]
}
