import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import type { FxBatchStatus } from './fx-batch.ts'
import { clockSkewMsMax, type Asked } from './rhythm.ts'
import { aheadMsMax, type Reference } from './validate-publication.ts'

/** The last batch of newest rates that a provider was asked for. */
export type LastBatch = {
  readonly status: FxBatchStatus
  readonly finishedAt: Date
  readonly stored: number
  readonly excluded: number
  readonly latencyMs: number
  readonly error: string | undefined
  readonly retryAt: Date | undefined
}

/** What is known of a provider when it is about to be asked. */
export type Known = Asked & {
  readonly last: LastBatch | undefined
  /** The assets that can be stored, each with the rate that a new one is compared with. */
  readonly references: ReadonlyMap<string, Reference>
}

export type KnownWanted = {
  readonly provider: string
  readonly base: string
  /** Whose rates a first one is compared with, in order of preference. */
  readonly others: readonly string[]
  /** The one asset that is asked for; undefined: all. */
  readonly only: string | undefined
  /** For rates of the past, their time: later ones are not looked at. */
  readonly at: Date
}

/** Everything that asking a provider needs to know, in one statement: when it was asked last and what came of it, and for
 *  every asset its own last good rate, else what the other providers make of it.
 *  Instants further ahead than clocks differ are passed over: they were written before a clock was set back, and would
 *  otherwise keep a provider from being asked until it has caught up. */
export async function findKnown(
  { db }: { readonly db: Runner },
  wanted: KnownWanted,
): Promise<Known> {
  const rows = await db.run(statement(wanted))
  const [first] = rows
  const newest = first?.newest_as_of ?? undefined
  const references = rows.map((row) => {
    const reference: Reference = {
      kind: row.kind,
      rate: row.rate ?? undefined,
      asOf: toDate(row.as_of),
      ownAsOf: toDate(row.own_as_of),
      isExpected: row.own_as_of !== null && row.own_as_of === newest,
    }
    return [row.code, reference] as const
  })
  return {
    references: new Map(references),
    newestAsOf: toDate(newest),
    last: first && toLast(first),
  }
}

type Row = {
  readonly code: string
  readonly kind: 'fiat' | 'token'
  readonly rate: string | null
  readonly as_of: string | null
  readonly own_as_of: string | null
  readonly newest_as_of: string | null
  readonly status: FxBatchStatus | null
  readonly finished_at: string
  readonly stored: number
  readonly excluded: number
  readonly latency_ms: number
  readonly error: string | null
  readonly retry_at: string | null
}

const statement = ({ provider, base, others, only, at }: KnownWanted) => sql<Row>`
  with own as materialized (
    select asset.code, asset.kind, last.rate, last.as_of
      from assets asset
      left join lateral (
        select r.rate, r.as_of from fx_rates r
         where r.provider = ${provider} and r.base_asset = ${base} and r.quote_asset = asset.code
           and not r.excluded and r.as_of <= ${later(at, aheadMsMax)}::timestamptz
         order by r.as_of desc limit 1) as last on true
     where ${only ?? null}::text is null or asset.code = ${only ?? null}::text
  ), last_batch as (
    select status, to_json(finished_at)#>>'{}' as finished_at, rates_stored as stored, rates_excluded as excluded,
           latency_ms, error, to_json(retry_at)#>>'{}' as retry_at
      from fx_batches
     where provider = ${provider} and purpose = 'latest' and only_asset is not distinct from ${only ?? null}::text
       and finished_at <= ${later(at, clockSkewMsMax)}::timestamptz
     order by finished_at desc limit 1
  )
  select own.code, own.kind, coalesce(own.rate, other.rate)::text as rate,
         to_json(coalesce(own.as_of, other.as_of))#>>'{}' as as_of, to_json(own.as_of)#>>'{}' as own_as_of,
         to_json(max(own.as_of) over ())#>>'{}' as newest_as_of, last_batch.*
    from own
    left join last_batch on true
    left join fx_cross_rates(
           ${base}, array(select code from own where rate is null and code <> ${base}),
           ${[...others]}::text[], ${at.toISOString()}::timestamptz) as other
      on other.quote = own.code`

const later = (at: Date, delayMs: number): string => new Date(at.getTime() + delayMs).toISOString()

const toDate = (text: string | null | undefined): Date | undefined =>
  text === null || text === undefined ? undefined : new Date(text)

function toLast(row: Row): LastBatch | undefined {
  const { status, stored, excluded } = row
  if (status === null) {
    return undefined
  }
  return {
    status,
    finishedAt: new Date(row.finished_at),
    stored,
    excluded,
    latencyMs: row.latency_ms,
    error: row.error ?? undefined,
    retryAt: toDate(row.retry_at),
  }
}
