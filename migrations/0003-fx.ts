import { Migration } from '@mikro-orm/migrations'

/** Rates as their publishers gave them. A pair that no publisher quotes is computed through the publisher's base. */
export class Fx extends Migration {
  override up(): void {
    this.addSql(`
create table fx_batches (
  id uuid primary key default uuid_v7(),
  provider text collate "C" not null,
  status text not null check (status in ('stored', 'rejected', 'failed')),
  started_at timestamptz not null,
  finished_at timestamptz not null,
  http_calls integer not null check (http_calls >= 0),
  latency_ms integer not null check (latency_ms >= 0),
  rates_stored integer not null default 0,
  rates_excluded integer not null default 0,
  error text
)`)
    this.addSql(`
create table fx_rates (
  id bigint generated always as identity primary key,
  batch_id uuid not null references fx_batches (id),
  provider text collate "C" not null,
  base_asset varchar(10) collate "C" not null references assets (code),
  quote_asset varchar(10) collate "C" not null references assets (code),
  rate numeric not null constraint fx_rates_rate_check check (rate > 0 and scale(rate) <= 12 and rate < 1e12),
  as_of timestamptz not null,
  fetched_at timestamptz not null,
  excluded boolean not null default false,
  exclusion_reason text,
  constraint fx_rates_pair_check check (base_asset <> quote_asset),
  constraint fx_rates_exclusion_check check (excluded = (exclusion_reason is not null))
)`)
    this.addSql(crossRates)
  }

  override down(): void {
    this.addSql('drop function fx_cross_rates(text, text[], text[], timestamptz)')
    this.addSql('drop table fx_rates')
    this.addSql('drop table fx_batches')
  }
}

/**
 * The rate of `base` in each of `quotes`, as it was known at `at`. Both legs come from one publication (same provider,
 * base and time), are the numbers as published, and their quotient is rounded once, half to even, to 12 decimals.
 * Which publication: one that is fresh beats one that is too old for either asset; among fresh ones the order of
 * `providers` decides, among old ones the age does. A quote that no publication can give has no row.
 *
 * Speed: every step is a probe of idx_fx_rates_provider_pair_asof. The limits inside keep the planner from turning
 * them into joins over the history, and starting at the newest quote keeps withdrawn and never quoted pairs cheap.
 * `limit 16`, more publishers and bases than there will be, also keeps the planner's estimate below what starts JIT.
 */
const crossRates = `
create function fx_cross_rates(base text, quotes text[], providers text[], at timestamptz)
returns table (
  quote text, provider text, leg_base text, base_leg numeric, quote_leg numeric, rate numeric,
  as_of timestamptz, fetched_at timestamptz, batch_id uuid, staleness_seconds_max integer, is_stale boolean
)
language sql stable parallel safe rows 4 as $$
  with recursive publisher (provider, rank, leg_base) as (
    select preferred.provider collate "C", preferred.rank,
           (select min(r.base_asset::text) from fx_rates r where r.provider = preferred.provider) collate "C"
      from unnest(providers) with ordinality as preferred (provider, rank)
    union all
    select p.provider, p.rank,
           (select min(r.base_asset::text) from fx_rates r
             where r.provider = p.provider and r.base_asset > p.leg_base) collate "C"
      from publisher p where p.leg_base is not null
  )
  select wanted.quote, found.provider, found.leg_base, found.base_leg, found.quote_leg,
         divide_half_even(found.quote_leg, found.base_leg, 12),
         found.as_of, found.fetched_at, found.batch_id, staleness.seconds_max, found.is_stale
    from unnest(quotes) with ordinality as wanted (quote, position)
    join assets base_asset on base_asset.code = base
    join assets quote_asset on quote_asset.code = wanted.quote
   cross join lateral (
     select least(base_asset.staleness_seconds_max, quote_asset.staleness_seconds_max)
   ) as staleness (seconds_max)
   cross join lateral (
     select p.provider, p.rank, p.leg_base, legs.*,
            at - legs.as_of > make_interval(secs => staleness.seconds_max) as is_stale
       from (select * from publisher where leg_base is not null limit 16) as p
      cross join lateral (
        -- the publisher's base in itself: the newest publication that has any of what is asked for, or a main currency
        (select 1::numeric as base_leg, 1::numeric as quote_leg, newest.as_of, newest.fetched_at, newest.batch_id
           from unnest(quotes || array['USD', 'EUR']) as other (code)
          cross join lateral (
            select r.as_of, r.fetched_at, r.batch_id from fx_rates r
             where r.provider = p.provider and r.base_asset = p.leg_base and r.quote_asset = other.code
               and not r.excluded and r.as_of <= at
             order by r.as_of desc limit 1) as newest
          where p.leg_base = base and wanted.quote = base
          order by newest.as_of desc limit 1)
        union all
        -- quoted as asked
        (select 1, r.rate, r.as_of, r.fetched_at, r.batch_id from fx_rates r
          where p.leg_base = base and wanted.quote <> base
            and r.provider = p.provider and r.base_asset = p.leg_base and r.quote_asset = wanted.quote
            and not r.excluded and r.as_of <= at
          order by r.as_of desc limit 1)
        union all
        -- the other way round, or an asset in itself
        (select r.rate, case when wanted.quote = base then r.rate else 1 end, r.as_of, r.fetched_at, r.batch_id
           from fx_rates r
          where p.leg_base <> base and wanted.quote in (base, p.leg_base)
            and r.provider = p.provider and r.base_asset = p.leg_base and r.quote_asset = base
            and not r.excluded and r.as_of <= at
          order by r.as_of desc limit 1)
        union all
        -- through the publisher's base: the newest publication that has both
        (select both_legs.*
           from (select r.as_of from fx_rates r
                  where p.leg_base <> base and wanted.quote not in (base, p.leg_base)
                    and r.provider = p.provider and r.base_asset = p.leg_base and r.quote_asset = wanted.quote
                    and not r.excluded and r.as_of <= at
                  order by r.as_of desc limit 1) as newest
          cross join lateral (
            select b.rate, q.rate, b.as_of, b.fetched_at, b.batch_id from fx_rates b
             cross join lateral (
               select r.rate from fx_rates r
                where r.provider = p.provider and r.base_asset = p.leg_base and r.quote_asset = wanted.quote
                  and r.as_of = b.as_of and not r.excluded
                limit 1) as q
             where b.provider = p.provider and b.base_asset = p.leg_base and b.quote_asset = base
               and not b.excluded and b.as_of <= newest.as_of
             order by b.as_of desc limit 1) as both_legs)
      ) as legs
      -- fresh ones by rank; stale ones have none here, sort behind them and go by age
      order by case when at - legs.as_of <= make_interval(secs => staleness.seconds_max) then p.rank end nulls last,
               legs.as_of desc, p.rank, p.leg_base = base desc, p.leg_base
      limit 1
   ) as found
   order by wanted.position
$$`
