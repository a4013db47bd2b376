import type { Runner } from '#platform/database/database'
import type { Random } from '#platform/random'
import { sql } from 'kysely'
import type { Publication } from './provider.ts'
import type { Judgement, Reference } from './validate-publication.ts'

/** One attempt to get rates from a provider, whatever came of it. */
export type Batch = {
  readonly provider: string
  readonly status: 'stored' | 'rejected' | 'failed'
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly httpCalls: number
  readonly latencyMs: number
  /** Why, for an operator; never holds a URL's query, where keys stand. */
  readonly error: string | undefined
}

export type Judged = { readonly publication: Publication; readonly judgement: Judgement }

/** The assets that can be stored, each with the rate that a new one is compared with: the provider's own last good
 *  one, else what the other providers make of it. One statement. */
export async function findReferences(
  { db }: { readonly db: Runner },
  { provider, base, rates, fetchedAt }: Publication,
  others: readonly string[],
): Promise<{ references: ReadonlyMap<string, Reference>; newestAsOf: Date | undefined }> {
  const rows = await db.run(sql<{
    code: string
    kind: 'fiat' | 'token'
    rate: string | null
    as_of: string | null
    own_as_of: string | null
    newest_as_of: string | null
  }>`
    with own as materialized (
      select asset.code, asset.kind, last.rate, last.as_of
        from assets asset
        left join lateral (
          select r.rate, r.as_of from fx_rates r
           where r.provider = ${provider} and r.base_asset = ${base} and r.quote_asset = asset.code
             and not r.excluded
           order by r.as_of desc limit 1) as last on true
    )
    select own.code, own.kind, coalesce(own.rate, other.rate)::text as rate,
           to_json(coalesce(own.as_of, other.as_of))#>>'{}' as as_of, to_json(own.as_of)#>>'{}' as own_as_of,
           to_json(max(own.as_of) over ())#>>'{}' as newest_as_of
      from own
      left join fx_cross_rates(
             ${base},
             array(select code from own where rate is null
                    and code = any(${rates.map(([asset]) => asset)}::text[]) and code <> ${base}),
             ${[...others]}::text[], ${fetchedAt.toISOString()}::timestamptz) as other
        on other.quote = own.code`)
  const newest = rows[0]?.newest_as_of ?? undefined
  const references = rows.map((row) => {
    const reference: Reference = {
      kind: row.kind,
      rate: row.rate ?? undefined,
      asOf: row.as_of === null ? undefined : new Date(row.as_of),
      isExpected: row.own_as_of !== null && row.own_as_of === newest,
    }
    return [row.code, reference] as const
  })
  return {
    references: new Map(references),
    newestAsOf: newest === undefined ? undefined : new Date(newest),
  }
}

type Row = {
  readonly base: string
  readonly quote: string
  readonly rate: string
  readonly asOf: string
  readonly fetchedAt: string
  readonly reason: string | null
}

/** Writes the batch and every rate that it brings, in one statement. The first good rate of a provider, pair and
 *  instant stays, whoever stores second; only a quarantined one gives way to a later good one. */
export async function storeBatch(
  { db, random }: { readonly db: Runner; readonly random: Random },
  batch: Batch,
  judged: readonly Judged[] = [],
): Promise<{ readonly stored: number; readonly excluded: number }> {
  const rows = judged.flatMap(toRows)
  const column = (key: keyof Row): (string | null)[] => rows.map((row) => row[key])
  const id = random.uuid()
  const [counts] = await db.run(sql<{ stored: number; excluded: number }>`
    with written as (
      insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at,
                            excluded, exclusion_reason)
      select ${id}, ${batch.provider}, base, quote, rate, as_of, fetched_at, reason is not null, reason
        from unnest(${column('base')}::text[], ${column('quote')}::text[], ${column('rate')}::numeric[],
                    ${column('asOf')}::timestamptz[], ${column('fetchedAt')}::timestamptz[],
                    ${column('reason')}::text[]) as row (base, quote, rate, as_of, fetched_at, reason)
      on conflict (provider, base_asset, quote_asset, as_of) do update
         set batch_id = excluded.batch_id, rate = excluded.rate, fetched_at = excluded.fetched_at,
             excluded = false, exclusion_reason = null
       where fx_rates.excluded and not excluded.excluded
      returning excluded
    )
    insert into fx_batches (id, provider, status, started_at, finished_at, http_calls, latency_ms,
                            rates_stored, rates_excluded, error)
    select ${id}, ${batch.provider}, ${batch.status}, ${batch.startedAt.toISOString()}::timestamptz,
           ${batch.finishedAt.toISOString()}::timestamptz, ${batch.httpCalls}::integer,
           ${batch.latencyMs}::integer, count(*) filter (where not written.excluded),
           count(*) filter (where written.excluded), ${batch.error?.slice(0, 1000) ?? null}
      from written
    returning rates_stored as stored, rates_excluded as excluded`)
  return counts ?? { stored: 0, excluded: 0 }
}

function toRows({ publication, judgement }: Judged): readonly Row[] {
  const { base, asOf, fetchedAt } = publication
  const row = (quote: string, rate: string, reason: string | null): Row => ({
    base,
    quote,
    rate,
    asOf: asOf.toISOString(),
    fetchedAt: fetchedAt.toISOString(),
    reason,
  })
  return [
    ...judgement.accepted.map(([asset, rate]) => row(asset, rate, null)),
    ...judgement.quarantined.map(({ asset, rate, reason }) => row(asset, rate, reason)),
  ]
}
