import type { Runner } from '#platform/database/database'
import { sql } from 'kysely'
import { z } from 'zod'
import { paymentLinkStatuses, type PaymentLink } from './payment-link.ts'

/** A link that is to be paid or was, and has not four frozen rates in its current set. */
export const unfrozenLink = z.object({
  id: z.string(),
  organisationId: z.string(),
  status: z.enum(paymentLinkStatuses),
  /** How many there are instead of four. */
  rates: z.number(),
})
export type UnfrozenLink = z.infer<typeof unfrozenLink>

/** One stretch of a sweep over all links. */
export type Looked = {
  readonly linksCount: number
  /** Where the next stretch begins; undefined behind the last link. */
  readonly next: string | undefined
  readonly unfrozen: readonly UnfrozenLink[]
}

const beforeAll = '00000000-0000-0000-0000-000000000000'

/** Of an organisation, each of which a link has a rate for. */
export const settlementAssetsCount = 4

/** How many rates are frozen in the current set of a link. */
export async function countFrozenRates(
  db: Runner,
  { id, fxSetId }: Pick<PaymentLink, 'id' | 'fxSetId'>,
): Promise<number> {
  const [row] = await db.run(sql<{ count: number }>`
    select count(*)::integer as count from fx_snapshots
     where payment_link_id = ${id}::uuid and set_id = ${fxSetId}::uuid`)
  return row?.count ?? 0
}

/** Looks at the next `linksMax` links after one, in the order of their ids, for those without their four rates. The
 *  constraint of the database lets nobody make such a link; but a restore, a replica and a superuser's session write
 *  without it. Expired, cancelled and removed links need no rates any more. One probe for each link. */
export async function findUnfrozenLinks(
  db: Runner,
  {
    after = beforeAll,
    linksMax,
  }: { readonly after?: string | undefined; readonly linksMax: number },
): Promise<Looked> {
  const [row] = await db.run(sql<{
    linksCount: number
    last: string | null
    unfrozen: readonly UnfrozenLink[]
  }>`
    with looked as materialized (
      select id, organisation_id, status, deleted_at, fx_set_id from payment_links
       where id > ${after}::uuid order by id limit ${linksMax}
    ), unfrozen as (
      select looked.id, organisation_id, status, rates.count
        from looked
       cross join lateral (select count(*) from fx_snapshots
                            where payment_link_id = looked.id and set_id = looked.fx_set_id) as rates
       where status in ('draft', 'open', 'partially_paid', 'paid') and deleted_at is null and rates.count <> ${settlementAssetsCount}
    )
    select (select count(*)::integer from looked) as "linksCount",
           (select id from looked order by id desc limit 1) as last,
           coalesce((select json_agg(json_build_object('id', id, 'organisationId', organisation_id, 'status', status,
                                                       'rates', count) order by id)
                       from unfrozen), '[]') as unfrozen`)
  const { linksCount = 0, last, unfrozen = [] } = row ?? {}
  return { linksCount, next: linksCount < linksMax ? undefined : (last ?? undefined), unfrozen }
}
