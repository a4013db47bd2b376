import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'

/** A frozen rate that is not what it says. */
export type SnapshotFault = {
  readonly setId: string
  readonly asset: string
  /** Which of its parts disagree: `legs`, `rate`, `amount`, `hash`. */
  readonly parts: readonly string[]
}

/** Computes everything again that was frozen for a link, from what it was frozen from: the legs as their publisher gave them, the
 *  rate as their quotient, the amount at that rate, the hash over all. The amount of the current set is compared with that of the
 *  link; earlier ones were made of an amount that may have been another. One statement; nothing is changed. */
export function verifySnapshots(
  { run }: Pick<Runner, 'run'>,
  paymentLinkId: string,
): Promise<readonly SnapshotFault[]> {
  return run(sql<SnapshotFault>`
    select "setId", asset, parts
      from (
        select snapshot.set_id as "setId", snapshot.asset,
               array_remove(array[
                 case when not (${leg('currency')} and ${leg('asset')}) then 'legs' end,
                 case when snapshot.rate is distinct from
                        divide_half_even(snapshot.asset_leg, snapshot.currency_leg, 12)::numeric(24, 12) then 'rate' end,
                 case when snapshot.set_id = link.fx_set_id and snapshot.amount_minor is distinct from
                        convert_minor(link.amount_minor, snapshot.rate, source.exponent, target.exponent) then 'amount' end,
                 case when snapshot.hash is distinct from
                        sha256(convert_to(concat_ws('|', snapshot.set_id, snapshot.asset, snapshot.rate::text, snapshot.provider,
                          to_char(snapshot.as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'UTF8')) then 'hash' end
               ], null) as parts
          from fx_snapshots snapshot
          join payment_links link on link.id = snapshot.payment_link_id
          join assets source on source.code = snapshot.currency
          join assets target on target.code = snapshot.asset
         where snapshot.payment_link_id = ${paymentLinkId}::uuid
      ) as verified
     where cardinality(parts) > 0`)
}

/** Whether a leg is a published rate of its time, or that of the publisher's base in itself. */
function leg(side: 'currency' | 'asset') {
  const of = sql.ref(`snapshot.${side}`)
  const value = sql.ref(`snapshot.${side}_leg`)
  return sql`(${of} = snapshot.leg_base and ${value} = 1 or exists (
    select from fx_rates published
     where published.provider = snapshot.provider and published.base_asset = snapshot.leg_base
       and published.quote_asset = ${of} and published.as_of = snapshot.as_of and not published.excluded
       and published.rate = ${value}))`
}
