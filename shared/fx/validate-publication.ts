import type { AssetKind } from '#money'
import { parseRate } from './decimal-rate.ts'
import { PublicationRefused, type Publication, type QuotedRate } from './provider.ts'

/** The last good rate of an asset per the publication's base, to compare a new one with. */
export type Reference = {
  readonly kind: AssetKind
  readonly rate: string | undefined
  readonly asOf: Date | undefined
  /** Of the provider's own last good rate; `rate` may be another provider's. */
  readonly ownAsOf: Date | undefined
  /** From the provider's own newest publication, so that its absence now is worth a note. */
  readonly isExpected: boolean
}

/** A rate that is kept for the operator and never used. */
export type Quarantined = { readonly asset: string; readonly rate: string; readonly reason: string }

/** A publication after judgement: what may be used, what is set aside, and what was not there. */
export type Judgement = {
  readonly accepted: readonly QuotedRate[]
  readonly quarantined: readonly Quarantined[]
  /** Codes that are not in the assets table. */
  readonly unknownCount: number
  /** Assets of the provider's previous publication that this one lacks; their previous rates stay. */
  readonly missing: readonly string[]
}

/** A publisher's clock or calendar may be ahead of ours by its time zone, not by more. */
export const aheadMsMax = 24 * 3600 * 1000
/** No asset accepts a rate older than 6 days when a link is made; a week-old "latest" can only be a frozen mirror. */
const ageMsMax = 7 * 24 * 3600 * 1000

/**
 * The largest believable move per day, as the share by which the dearer of two rates exceeds the cheaper. Over the ECB's history
 * (1999 to 2026, 41 currencies, 217,555 rates) two exceed it: the old lira when it was floated (1.68 on 2001-02-22), and the krona
 * when its quotation ended (1.49 on 2008-11-06). The lira of today moved most on 2021-12-21, by 1.36; the median currency's worst
 * day is below 1.06. Tokens: HBAR moved 20 % in a day of September 2026; 60 % leaves room for a crash.
 */
const dailyMoveMax: Readonly<Record<AssetKind, number>> = { fiat: 0.4, token: 0.6 }
/** The bound grows with every day since the last good rate, so that a real jump is let in after some days instead of
 *  never, but not to here: a factor of 100 (a unit mistaken) or an inversion is never let in by waiting. */
const ratioMax = 10
/** One wild rate is an error in it; when a third of them is wild, the error is in the publication. */
const wildShareMax = 1 / 3
/** Publishers drop a currency now and then; one that has lost most of them speaks of something else, and what it calls by a
 *  name that we know may be another thing. */
const missingShareMax = 1 / 2

/** Judges a publication before anything of it is written. Its shape was checked by its provider.
 *  @throws {PublicationRefused} if none of it may be used: its date, a rate that is no positive decimal, no asset that
 *  we know, or too many wild rates */
export function judgePublication(
  publication: Publication,
  references: ReadonlyMap<string, Reference>,
): Judgement {
  refuseDate(publication)
  const known = publication.rates.filter(([asset]) => references.has(asset))
  const rates = known.map(([asset, text]) => [asset, parseRate(text)] as const)
  const assets = new Set(rates.map(([asset]) => asset))
  if (rates.length === 0 || assets.size < rates.length || assets.has(publication.base)) {
    throw new PublicationRefused('the rates are not of distinct assets that we know')
  }
  const expected = [...references].flatMap(([asset, { isExpected }]) => (isExpected ? [asset] : []))
  const missing = expected.filter((asset) => !assets.has(asset))
  if (missing.length > expected.length * missingShareMax) {
    throw new PublicationRefused(`${missing.length} of ${expected.length} assets are missing`)
  }
  const judged = rates.map(([asset, rate]) => {
    const reason = findFault(rate, publication.asOf, references.get(asset))
    return { asset, rate, reason }
  })
  const quarantined = judged.flatMap(({ asset, rate, reason }) =>
    reason === undefined ? [] : [{ asset, rate, reason }],
  )
  if (quarantined.length > judged.length * wildShareMax) {
    const first = `${quarantined[0]?.asset ?? ''} ${quarantined[0]?.reason ?? ''}`
    throw new PublicationRefused(
      `${quarantined.length} of ${judged.length} rates are not believable (${first})`,
    )
  }
  return {
    accepted: judged.flatMap(({ asset, rate, reason }) =>
      reason === undefined ? [[asset, rate] as const] : [],
    ),
    quarantined,
    unknownCount: publication.rates.length - known.length,
    missing,
  }
}

/** Refuses a "latest" publication that is not of now.  @throws {PublicationRefused} */
export function refuseOldDate({ asOf, fetchedAt }: Publication): void {
  if (fetchedAt.getTime() - asOf.getTime() > ageMsMax) {
    throw new PublicationRefused(`the newest rates are of ${asOf.toISOString()}`)
  }
}

function refuseDate({ asOf, fetchedAt }: Publication): void {
  if (asOf.getTime() - fetchedAt.getTime() > aheadMsMax) {
    throw new PublicationRefused(`the rates are of ${asOf.toISOString()}, which is in the future`)
  }
}

/** A float is enough here: this is a sanity bound, no amount is computed with it. */
function findFault(rate: string, asOf: Date, reference: Reference | undefined): string | undefined {
  if (reference?.rate === undefined || reference.asOf === undefined) {
    return undefined
  }
  const moved = Number(rate) / Number(reference.rate)
  const ratio = Math.max(moved, 1 / moved)
  const days = Math.max(1, Math.abs(asOf.getTime() - reference.asOf.getTime()) / 86_400_000)
  const bound = Math.min((1 + dailyMoveMax[reference.kind]) ** days, ratioMax)
  if (ratio <= bound) {
    return undefined
  }
  const inverted = Number(rate) * Number(reference.rate)
  const hint = inverted > 1 / bound && inverted < bound ? ', looks inverted' : ''
  return `is ${moved.toPrecision(3)} times the last good rate ${reference.rate}${hint}`
}
