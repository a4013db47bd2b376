import type { AssetKind } from '#money'

/** One quote: how many of `asset` one unit of the publication's base buys, as decimal text. Never a float. */
export type QuotedRate = readonly [asset: string, rate: string]

/** What a provider said at one moment, whole and not yet judged; see validate-publication.ts. */
export type Publication = {
  readonly provider: string
  readonly base: string
  /** The instant the publisher gives; a date without a time is its midnight UTC. */
  readonly asOf: Date
  readonly fetchedAt: Date
  readonly rates: readonly QuotedRate[]
  /** Requests that were needed, retries included; quotas count them. */
  readonly httpCalls: number
}

/** When a provider has something new. */
export type Rhythm = {
  /** Asking it sooner than this after it answered brings nothing. */
  readonly everyMs: number
  /** It publishes one day at a time, within these hours of a working day (UTC). Left out: at any time. */
  readonly window?: PublishingWindow
}

export type PublishingWindow = { readonly opensHour: number; readonly closesHour: number }

/** How many requests a provider allows all our processes together, by UTC days or months. */
export type Quota = { readonly callsMax: number; readonly period: 'day' | 'month' }

/** How far back: what a publisher keeps in its short file, or everything. */
export const historyReaches = ['recent', 'full'] as const
export type HistoryReach = (typeof historyReaches)[number]

/** A publisher of exchange rates. Adding one is a file in providers/ and a line in providers.ts. */
export type FxProvider = {
  /** Stands in every rate and snapshot that came from it; never renamed. */
  readonly name: string
  readonly base: string
  /** What it can quote; nobody asks it for anything else. */
  readonly quotes: readonly AssetKind[]
  readonly rhythm: Rhythm
  /** None where the publisher names none. */
  readonly quota?: Quota
  /** The newest publication.  @throws {HttpFailure | PublicationRefused | ProviderRefusal} */
  fetchLatest(signal: AbortSignal): Promise<Publication>
  /** The newest rate of one asset alone, where the publisher can be asked for that; otherwise its file is fetched for it. */
  readonly fetchOne?: (asset: string, signal: AbortSignal) => Promise<Publication>
  /** What it publishes of the past, oldest first. */
  readonly fetchHistory?: (
    reach: HistoryReach,
    signal: AbortSignal,
  ) => Promise<readonly Publication[]>
}

/** A document that is not what its provider publishes: the whole of it is refused, nothing is stored. */
export class PublicationRefused extends Error {
  override readonly name = 'PublicationRefused'
  httpCalls = 0
}

/** The provider answered, in its own form, that it will not: a bad key, a used-up plan. */
export class ProviderRefusal extends Error {
  override readonly name = 'ProviderRefusal'
  readonly httpCalls: number

  constructor(message: string, httpCalls: number, cause: unknown) {
    super(message, { cause })
    this.httpCalls = httpCalls
  }
}

/** A call that was not made, since the quota of its period is used up. */
export class QuotaUsedUp extends Error {
  override readonly name = 'QuotaUsedUp'
}
