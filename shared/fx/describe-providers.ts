import { findAsset, isVolatile } from '#money'
import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { Fx } from './fx.ts'
import { fxBatchStatuses, type FxBatchStatus } from './fx-batch.ts'
import { periodStart } from './quota.ts'
import type { FxProvider } from './provider.ts'
import { clockSkewMsMax, nextDueAt } from './rhythm.ts'

/** How a provider stands, for operators. Instants are RFC 3339 in UTC, ages whole seconds. */
export type ProviderState = {
  readonly provider: string
  readonly base: string
  readonly lastSuccessAt: string | undefined
  /** Of the newest batch that failed or was rejected, whatever came after. */
  readonly lastError: { readonly at: string; readonly text: string } | undefined
  /** Of the newest rate that would be used, in each class of assets that it quotes; absent where it has none. */
  readonly ageSeconds: { readonly volatile?: number; readonly stable?: number }
  /** As the process that asked last left its circuit. */
  readonly circuit: { readonly state: string | undefined; readonly retryAt: string | undefined }
  /** Calls of the current UTC day or month, by all processes. */
  readonly quota:
    | { readonly period: string; readonly used: number; readonly left: number }
    | undefined
  /** When a schedule asks it next, as far as nothing else happens. */
  readonly nextCallAt: string | undefined
  /** Of the batches of the last 24 hours: how many, and their calls. */
  readonly lastDay: { readonly batches: number; readonly httpCalls: number }
}

/** How the configured providers stand, in the order of preference. One statement.
 *  @param wanted the assets whose ages count; main currencies always do */
export async function describeProviders(
  { db, clock, providers }: Pick<Fx, 'clock' | 'providers'> & { readonly db: Runner },
  wanted: readonly string[],
): Promise<readonly ProviderState[]> {
  const now = clock.now()
  const codes = [...new Set(['EUR', 'USD', ...wanted])]
  const rows = await db.run(statement(providers, codes, now))
  return providers.map((provider, index) => toState(provider, rows[index], now))
}

type Row = {
  readonly newest: Readonly<Record<string, string>> | null
  readonly newest_as_of: string | null
  readonly status: string | null
  readonly finished_at: string | null
  readonly retry_at: string | null
  readonly breaker_state: string | null
  readonly succeeded_at: string | null
  readonly failed_at: string | null
  readonly error: string | null
  readonly calls: number | null
  readonly batches: number
  readonly http_calls: number
}

const utc = (name: string) =>
  sql`to_char(${sql.ref(name)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

const statement = (
  providers: readonly FxProvider[],
  codes: readonly string[],
  now: Date,
) => sql<Row>`
  with batch as not materialized (
    select * from fx_batches
     where finished_at <= ${now.toISOString()}::timestamptz + make_interval(secs => ${clockSkewMsMax / 1000})
  )
  select newest.by_asset as newest, ${utc('newest.as_of')} as newest_as_of,
         last.status, ${utc('last.finished_at')} as finished_at, ${utc('last.retry_at')} as retry_at, last.breaker_state,
         ${utc('success.finished_at')} as succeeded_at, ${utc('failure.finished_at')} as failed_at, failure.error,
         quota.calls, day.batches, day.http_calls
    from unnest(${providers.map(({ name }) => name)}::text[], ${providers.map(({ base }) => base)}::text[],
                ${providers.map(({ quota }) => quota?.period ?? null)}::text[])
           with ordinality as provider (name, base, period, position)
   cross join lateral (
     select json_object_agg(wanted.code, ${utc('rate.as_of')}) as by_asset, max(rate.as_of) as as_of
       from unnest(${[...codes]}::text[]) as wanted (code)
      cross join lateral (
        select r.as_of from fx_rates r
         where r.provider = provider.name and r.base_asset = provider.base and r.quote_asset = wanted.code
           and not r.excluded and r.as_of <= ${now.toISOString()}::timestamptz
         order by r.as_of desc limit 1) as rate) as newest
    left join lateral (
      select * from batch where batch.provider = provider.name and purpose = 'latest'
       order by finished_at desc limit 1) as last on true
    left join lateral (
      select finished_at from batch where batch.provider = provider.name and purpose = 'latest' and status = 'stored'
       order by finished_at desc limit 1) as success on true
    left join lateral (
      select finished_at, error from batch where batch.provider = provider.name and status <> 'stored'
       order by finished_at desc limit 1) as failure on true
   cross join lateral (
     select count(*)::integer as batches, coalesce(sum(http_calls), 0)::integer as http_calls
       from batch where batch.provider = provider.name
        and finished_at > ${now.toISOString()}::timestamptz - interval '1 day') as day
    left join fx_quotas quota on quota.provider = provider.name and quota.period = provider.period
     and quota.starts_on = case quota.period when 'day' then ${periodStart('day')} else ${periodStart('month')} end
   order by provider.position`

function toState(provider: FxProvider, row: Row | undefined, now: Date): ProviderState {
  const { quota, name, base } = provider
  const used = row?.calls ?? 0
  return {
    provider: name,
    base,
    lastSuccessAt: row?.succeeded_at ?? undefined,
    lastError: row?.failed_at ? { at: row.failed_at, text: row.error ?? '' } : undefined,
    ageSeconds: agesOf(row?.newest ?? {}, now),
    circuit: {
      state: row?.breaker_state ?? undefined,
      retryAt: row?.retry_at ?? undefined,
    },
    quota: quota && { period: quota.period, used, left: Math.max(0, quota.callsMax - used) },
    nextCallAt: nextCall(provider, row, now)?.toISOString(),
    lastDay: { batches: row?.batches ?? 0, httpCalls: row?.http_calls ?? 0 },
  }
}

function agesOf(newest: Readonly<Record<string, string>>, now: Date): ProviderState['ageSeconds'] {
  const youngest = (isOfClass: boolean): number | undefined => {
    const ages = Object.entries(newest).flatMap(([code, asOf]) => {
      const asset = findAsset(code)
      const isMeant = asset !== undefined && isVolatile(asset) === isOfClass
      return isMeant ? [Math.floor((now.getTime() - Date.parse(asOf)) / 1000)] : []
    })
    return ages.length > 0 ? Math.min(...ages) : undefined
  }
  const [volatile, stable] = [youngest(true), youngest(false)]
  return { ...(volatile !== undefined && { volatile }), ...(stable !== undefined && { stable }) }
}

function nextCall(provider: FxProvider, row: Row | undefined, now: Date): Date | undefined {
  const status = fxBatchStatuses.find((one): one is FxBatchStatus => one === row?.status)
  const last =
    status && row?.finished_at ? { status, finishedAt: new Date(row.finished_at) } : undefined
  const newestAsOf = row?.newest_as_of ? new Date(row.newest_as_of) : undefined
  const due = nextDueAt(provider, { last, newestAsOf }, now)
  const retryAt = row?.retry_at ? new Date(row.retry_at) : undefined
  return due && retryAt && retryAt > due ? retryAt : due
}
