import type { Runner } from '#platform/database/database'
import type { Random } from '#platform/random'
import { sql } from 'kysely'
import type { CircuitState } from '#platform/resilience/circuit'
import type { Publication } from './provider.ts'
import type { FxBatchPurpose, FxBatchStatus } from './fx-batch.ts'
import type { Judgement } from './validate-publication.ts'

/** One attempt to get rates from a provider, whatever came of it. */
export type Batch = {
  readonly provider: string
  readonly purpose: FxBatchPurpose
  /** The one asset that was asked for; undefined: all. */
  readonly onlyAsset: string | undefined
  readonly status: FxBatchStatus
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly httpCalls: number
  readonly latencyMs: number
  /** Why, for an operator; never holds a URL's query, where keys stand. */
  readonly error: string | undefined
  /** Until when the provider is left alone by everybody. */
  readonly retryAt: Date | undefined
  readonly breakerState: CircuitState | undefined
}

export type Judged = { readonly publication: Publication; readonly judgement: Judgement }

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
    insert into fx_batches (id, provider, purpose, only_asset, status, started_at, finished_at, http_calls,
                            latency_ms, rates_stored, rates_excluded, error, retry_at, breaker_state)
    select ${id}, ${batch.provider}, ${batch.purpose}, ${batch.onlyAsset ?? null}::text, ${batch.status}, ${batch.startedAt.toISOString()}::timestamptz,
           ${batch.finishedAt.toISOString()}::timestamptz, ${batch.httpCalls}::integer,
           ${batch.latencyMs}::integer, count(*) filter (where not written.excluded),
           count(*) filter (where written.excluded), ${batch.error?.slice(0, 1000) ?? null},
           ${batch.retryAt?.toISOString() ?? null}::timestamptz, ${batch.breakerState ?? null}
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
