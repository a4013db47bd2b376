import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** Which links to make: invoice by invoice, `copy` 0 being the real one. */
export type LinkRange = {
  readonly organisationId: string
  readonly copy: number
  /** How many links of the copy are there already. They come in the order of their short codes, so that any part of a
   *  copy is as good as drawn by lot. */
  readonly skip: number
  readonly linksMax: number
}

/**
 * Fills the temporary table `demo_rates`: for every day with an invoice the four rates that were known on it, those of
 * the last publication on or before it, and `facts`, the tail of the text under each snapshot's hash.
 */
export async function stageRates(db: Runner, organisationId: string): Promise<void> {
  await db.run(sql`
    create temporary table demo_rates on commit drop as
    with days as (
      select distinct date_trunc('day', created_at, 'UTC') as day from demo_invoices
    ), legs as (
      select days.day, asset.code as asset, asset.exponent, base.provider, base.base_asset as leg_base,
             base.rate as base_leg, case when asset.code = base.base_asset then 1 else quote.rate end as quote_leg,
             base.as_of, base.batch_id,
             least(asset.staleness_seconds_max, currency.staleness_seconds_max) as staleness_seconds_max
        from organisations o
        join assets currency on currency.code = o.default_currency
        join assets asset on asset.code = any (o.settlement_assets)
       cross join days
       cross join lateral (select * from fx_rates r
                            where r.provider = 'ecb' and r.base_asset = 'EUR' and r.quote_asset = currency.code
                              and not r.excluded and r.as_of <= days.day
                            order by r.as_of desc limit 1) as base
        left join fx_rates quote on quote.provider = base.provider and quote.base_asset = base.base_asset
         and quote.quote_asset = asset.code and quote.as_of = base.as_of and not quote.excluded
       where o.id = ${organisationId}::uuid
    ), rates as (
      select *, divide_half_even(quote_leg, base_leg, 12)::numeric(24, 12) as rate from legs
    )
    select *, concat_ws('|', asset, rate, provider,
                        to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) as facts
      from rates`)
  await db.run(sql`analyze demo_rates`)
}

/**
 * Makes the links of one copy with their events and snapshots, in the order of time. A copy is the real invoice
 * `copy` x 17.001 seconds later, which stays within the day, so its rates are those of the real one.
 */
export async function loadLinks(db: Runner, range: LinkRange): Promise<number> {
  await stageLinks(db, range)
  await db.run(sql`
    insert into payment_links (id, organisation_id, member_id, short_code, status, amount_minor, currency, description,
                               external_reference, accepted_assets, completions_max, completions_count, metadata,
                               fx_set_id, created_at, updated_at)
    select id, organisation_id, member_id, short_code, status, amount_minor, currency, 'Invoice ' || reference,
           reference, accepted_assets, 1, (status = 'paid')::integer, jsonb_build_object('country', country),
           set_id, created_at, created_at
      from demo_links
     order by created_at`)
  await db.run(sql`
    insert into payment_events (organisation_id, payment_link_id, type, asset, amount_minor, occurred_at, created_at)
    select organisation_id, id, happened.type, currency, amount_minor, created_at, created_at
      from demo_links
     cross join lateral (values (1, 'created'), (2, nullif(status, 'draft'))) as happened (position, type)
     where happened.type in ('created', 'paid', 'cancelled')
     order by created_at, id, happened.position`)
  await loadSnapshots(db)
  // Now rather than at COMMIT: the queue of a million links would not be small, and no index can be built before it.
  await db.run(sql`set constraints all immediate`)
  await db.run(sql`set constraints all deferred`)
  const [made] = await db.run(
    sql<{ links: number }>`select count(*)::integer as links from demo_links`,
  )
  await db.run(sql`drop table demo_links`)
  return made?.links ?? 0
}

/** The short code is the invoice's place among all copies, spread over 40 bits by a multiplication that no two places
 *  share a result of: unique without a look-up, the same on every machine, and in no visible order. */
async function stageLinks(db: Runner, range: LinkRange): Promise<void> {
  const { organisationId, copy, skip, linksMax } = range
  await db.run(sql`
    create temporary table demo_links as
    with places as (
      select invoice.*,
             (${copy}::bigint * 3 + case series when 'C' then 1 when 'A' then 2 else 0 end) * 1000000 + number as place,
             created_at + ${copy}::integer * interval '17.001 seconds' as shifted_at
        from demo_invoices invoice
    ), coded as (
      select *, lpad(to_hex((place::numeric * 641838405283 % 1099511627776)::bigint), 10, '0') as short_code
        from places
       order by short_code
       limit ${linksMax} offset ${skip}
    )
    select uuid_v7(shifted_at) as id, uuid_v7(shifted_at) as set_id, o.id as organisation_id, m.id as member_id,
           coded.short_code, coded.status, coded.amount_minor, o.default_currency as currency, currency.exponent,
           coded.reference || case when ${copy}::integer > 0 then '-' || ${copy}::integer else '' end as reference,
           o.settlement_assets as accepted_assets, coded.country,
           shifted_at as created_at, date_trunc('day', coded.created_at, 'UTC') as day
      from coded
      join organisations o on o.id = ${organisationId}::uuid
      join assets currency on currency.code = o.default_currency
      left join members m on m.organisation_id = o.id and m.email = 'customer-' || customer || '@customers.invalid'`)
  await db.run(sql`analyze demo_links`)
}

async function loadSnapshots(db: Runner): Promise<void> {
  await db.run(sql`
    insert into fx_snapshots (id, set_id, organisation_id, payment_link_id, snapshot_type, currency, asset, rate,
                              leg_base, currency_leg, asset_leg, amount_minor, provider, batch_id, as_of,
                              staleness_seconds, is_stale, captured_at, hash)
    select uuid_v7(created_at), set_id, organisation_id, link.id, 'creation', currency, asset, rate,
           leg_base, base_leg, quote_leg, convert_minor(amount_minor, rate, link.exponent, rates.exponent),
           provider, batch_id, as_of, age.seconds, age.seconds > staleness_seconds_max, created_at,
           sha256(convert_to(set_id || '|' || facts, 'UTF8'))
      from demo_links link
      join demo_rates rates using (day)
     cross join lateral (select floor(extract(epoch from created_at - as_of))::integer as seconds) as age
     order by created_at, link.id`)
}
