import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { getColumn, readColumns } from './packed.ts'

/** Loads the ECB's whole history as one batch, digits as published, `as_of` midnight UTC of the day of publication.
 *  What was not quoted (`N/A`) has no row; what is stored already stays as it is. */
export async function loadRateHistory(db: Runner, now: Date): Promise<void> {
  const table = await readColumns('eurofxref-hist')
  const quoted = [...table].filter(([heading]) => /^[A-Z]{3}$/.test(heading))
  await db.run(sql`
    with batch as (
      insert into fx_batches (provider, purpose, status, started_at, finished_at, http_calls, latency_ms)
      values ('ecb', 'history', 'stored', ${now.toISOString()}, ${now.toISOString()}, 0, 0)
      returning id, finished_at
    )
    insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
    select batch.id, 'ecb', 'EUR', quoted.asset, published.rate::numeric,
           published.day::timestamp at time zone 'UTC', batch.finished_at
      from batch,
           unnest(${quoted.map(([heading]) => heading)}::text[],
                  ${quoted.map(([, column]) => column)}::text[]) as quoted (asset, rates),
           unnest(string_to_array(${getColumn(table, 'Date')}, E'\n'),
                  string_to_array(quoted.rates, E'\n')) as published (day, rate)
     where published.rate <> 'N/A'
       and not exists (select from fx_rates stored
                        where stored.provider = 'ecb' and stored.base_asset = 'EUR'
                          and stored.quote_asset = quoted.asset
                          and stored.as_of = published.day::timestamp at time zone 'UTC')
     order by published.day, quoted.asset`)
  await db.run(sql`
    update fx_batches
       set rates_stored = (select count(*) from fx_rates where batch_id = fx_batches.id)
     where provider = 'ecb' and http_calls = 0 and rates_stored = 0`)
}

/** Repeats the last published day as `demo-replay`, dated the day of `now`, so that links can be made where no network
 *  is. Does nothing when that day has its replay. */
export async function replayLastDay(db: Runner, now: Date): Promise<void> {
  await db.run(sql`
    with today as (
      select date_trunc('day', ${now.toISOString()}::timestamptz, 'UTC') as at
    ), published as (
      select base_asset, quote_asset, rate
        from fx_rates, today
       where provider = 'ecb' and base_asset = 'EUR' and not excluded
         and as_of = (select max(as_of) from fx_rates, today
                       where provider = 'ecb' and base_asset = 'EUR' and quote_asset = 'USD' and as_of <= today.at)
    ), batch as (
      insert into fx_batches (provider, status, started_at, finished_at, http_calls, latency_ms, rates_stored)
      select 'demo-replay', 'stored', ${now.toISOString()}, ${now.toISOString()}, 0, 0, count(*)
        from published
       where not exists (select from fx_rates, today
                          where provider = 'demo-replay' and base_asset = 'EUR' and quote_asset = 'USD'
                            and as_of = today.at)
      having count(*) > 0
      returning id, finished_at
    )
    insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
    select batch.id, 'demo-replay', published.base_asset, published.quote_asset, published.rate, today.at,
           batch.finished_at
      from batch, published, today
    on conflict do nothing`)
}
