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
 * The rate of \`base\` in each of \`quotes\`, from the newest publication at or before \`at\` that has both legs.
 * Providers are tried in the order given; both legs always come from one publication (same provider, base and time).
 * A quote without such a publication has no row.
 */
const crossRates = `
create function fx_cross_rates(base text, quotes text[], providers text[], at timestamptz)
returns table (
  quote text, provider text, leg_base text, base_leg numeric, quote_leg numeric, rate numeric,
  as_of timestamptz, fetched_at timestamptz, batch_id uuid
)
language sql stable parallel safe rows 4 as $$
  select wanted.quote, found.provider, found.leg_base, found.base_leg, found.quote_leg,
         divide_half_even(found.quote_leg, found.base_leg, 12),
         found.as_of, found.fetched_at, found.batch_id
    from unnest(quotes) with ordinality as wanted (quote, position)
   cross join lateral (
     select legs.*
       from unnest(providers) with ordinality as preferred (provider, rank)
      cross join lateral (
        -- quoted directly: base is the publisher's own base
        select direct.provider, direct.base_asset::text as leg_base, 1::numeric as base_leg, direct.rate as quote_leg,
               direct.as_of, direct.fetched_at, direct.batch_id
          from (select * from fx_rates r
                 where r.provider = preferred.provider and r.base_asset = base and r.quote_asset = wanted.quote
                   and not r.excluded and r.as_of <= at
                 order by r.as_of desc limit 1) as direct
        union all
        -- through the publisher's base: the asked-for base is one of its quotes
        select through.provider, through.base_asset::text, through.rate,
               case when wanted.quote = through.base_asset then 1
                    when wanted.quote = base then through.rate
                    else other.rate end,
               through.as_of, through.fetched_at, through.batch_id
          from (select r.*, o.rate as other_rate from fx_rates r
                  left join fx_rates o on o.provider = r.provider and o.base_asset = r.base_asset
                   and o.quote_asset = wanted.quote and o.as_of = r.as_of and not o.excluded
                 where r.provider = preferred.provider and r.quote_asset = base
                   and not r.excluded and r.as_of <= at
                   and (wanted.quote in (base, r.base_asset) or o.rate is not null)
                 order by r.as_of desc limit 1) as through
         cross join lateral (select through.other_rate) as other (rate)
      ) as legs
      order by preferred.rank, legs.as_of desc
      limit 1
   ) as found
   order by wanted.position
$$`
