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

/** A publisher of exchange rates. Adding one is a file in providers/ and a line in providers.ts. */
export type FxProvider = {
  /** Stands in every rate and snapshot that came from it; never renamed. */
  readonly name: string
  readonly base: string
  /** What it can quote; nobody asks it for anything else. */
  readonly quotes: readonly AssetKind[]
  /** The newest publication.  @throws {HttpFailure | PublicationRefused | ProviderRefusal} */
  fetchLatest(signal: AbortSignal): Promise<Publication>
  /** What it publishes of the past, oldest first. */
  readonly fetchHistory?: (signal: AbortSignal) => Promise<readonly Publication[]>
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
