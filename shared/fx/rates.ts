import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import type { FxProvider } from './provider.ts'

/** The rate of one pair at one instant, with the two numbers that it was computed from. Decimals are text. */
export type CrossRate = {
  readonly base: string
  readonly quote: string
  /** Units of `quote` per unit of `base`: the quotient of the legs, half to even at 12 decimals. */
  readonly rate: string
  readonly provider: string
  /** The publisher's own base; both legs are per one unit of it, exactly as published. */
  readonly legBase: string
  readonly baseLeg: string
  readonly quoteLeg: string
  /** RFC 3339, UTC. */
  readonly asOf: string
  readonly fetchedAt: string
  readonly batchId: string
  /** Age when it was asked for, in whole seconds. */
  readonly stalenessSeconds: number
  /** The lower limit of the two assets. */
  readonly stalenessSecondsMax: number
  readonly isStale: boolean
}

export type RatesWanted = {
  readonly base: string
  readonly quotes: readonly string[]
  /** In order of preference. */
  readonly providers: readonly string[]
  /** Rates as they were known then; later ones are not seen. */
  readonly at: Date
}

/** One rate that is wanted. */
export type Pair = { readonly base: string; readonly quote: string }

/** Reads the rates of one base in many quotes, in the order asked, in one statement. A fresh rate beats a stale one,
 *  then the order of providers decides. A pair that nobody can give is left out. */
export function findRates(
  slice: { readonly db: Runner },
  { base, quotes, ...wanted }: RatesWanted,
): Promise<readonly CrossRate[]> {
  return findPairs(slice, { ...wanted, pairs: quotes.map((quote) => ({ base, quote })) })
}

/** Reads the rates of any pairs in one statement, by base, each as `findRates` does. */
export function findPairs(
  { db }: { readonly db: Runner },
  {
    pairs,
    providers,
    at,
  }: Omit<RatesWanted, 'base' | 'quotes'> & { readonly pairs: readonly Pair[] },
): Promise<readonly CrossRate[]> {
  const byBase = Map.groupBy(pairs, ({ base }) => base)
  const quotesOf = [...byBase.values()].map((group) => [
    ...new Set(group.map(({ quote }) => quote)),
  ])
  const instant = at.toISOString()
  return db.run(sql<CrossRate>`
    select wanted.base as "base", quote, rate::text, provider, leg_base as "legBase",
           base_leg::text as "baseLeg", quote_leg::text as "quoteLeg",
           to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "asOf",
           to_char(fetched_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "fetchedAt",
           batch_id as "batchId",
           floor(extract(epoch from ${instant}::timestamptz - as_of))::integer as "stalenessSeconds",
           staleness_seconds_max as "stalenessSecondsMax", is_stale as "isStale"
      from unnest(${[...byBase.keys()]}::text[], ${quotesOf.map((quotes) => quotes.join(','))}::text[])
             as wanted (base, quotes)
     cross join lateral fx_cross_rates(
             wanted.base, string_to_array(wanted.quotes, ','), ${[...providers]}::text[], ${instant}::timestamptz)`)
}

/** When a rate that is known already but dated later will be seen: publishers date their day ahead. Undefined when none is. */
export async function nextPublication(
  { db, providers }: { readonly db: Runner; readonly providers: readonly FxProvider[] },
  { base, quotes, at }: Omit<RatesWanted, 'providers'>,
): Promise<Date | undefined> {
  const bases = [...new Set(providers.map((provider) => provider.base))]
  const [row] = await db.run(sql<{ next: string | null }>`
    select to_char(min(as_of) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as next
      from fx_rates
     where base_asset = any(${bases}::text[]) and quote_asset = any(${[base, ...quotes]}::text[])
       and as_of > ${at.toISOString()}::timestamptz`)
  return row?.next ? new Date(row.next) : undefined
}
