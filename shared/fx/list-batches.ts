import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import type { FxBatchPurpose, FxBatchStatus } from './fx-batch.ts'

/** One batch, as an operator reads it. Instants are RFC 3339 in UTC. */
export type BatchLine = {
  readonly id: string
  readonly provider: string
  readonly purpose: FxBatchPurpose
  readonly onlyAsset: string | null
  readonly status: FxBatchStatus
  readonly finishedAt: string
  readonly httpCalls: number
  readonly latencyMs: number
  readonly ratesStored: number
  readonly ratesExcluded: number
  readonly error: string | null
  readonly breakerState: string | null
}

export type BatchesWanted = {
  readonly providers: readonly string[]
  readonly limit: number
  /** The last batch of the page before. */
  readonly before?: string | undefined
}

/** The newest batches of the providers, newest first, page by page, in one statement: each provider's by its index. */
export function listBatches(
  { db }: { readonly db: Runner },
  { providers, limit, before }: BatchesWanted,
): Promise<readonly BatchLine[]> {
  return db.run(sql<BatchLine>`
    with edge as (
      select coalesce((select finished_at from fx_batches where id = ${before ?? null}::uuid), 'infinity') as finished_at,
             coalesce(${before ?? null}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as id
    )
    select batch.id, batch.provider, batch.purpose, batch.only_asset as "onlyAsset", batch.status,
           to_char(batch.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "finishedAt",
           batch.http_calls as "httpCalls", batch.latency_ms as "latencyMs", batch.rates_stored as "ratesStored",
           batch.rates_excluded as "ratesExcluded", batch.error, batch.breaker_state as "breakerState"
      from unnest(${[...providers]}::text[]) as wanted (provider)
     cross join edge
     cross join lateral (
       select * from fx_batches
        where fx_batches.provider = wanted.provider
          and (fx_batches.finished_at, fx_batches.id) < (edge.finished_at, edge.id)
        order by fx_batches.finished_at desc, fx_batches.id desc limit ${limit}) as batch
     order by batch.finished_at desc, batch.id desc limit ${limit}`)
}
