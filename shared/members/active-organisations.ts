import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** An organisation that is likely to be asked for, and what decides how it begins. */
export type ActiveOrganisation = {
  readonly organisationId: string
  readonly defaultCurrency: string
  readonly settlementAssets: readonly string[]
}

/** Members that are looked at to find out whose organisations are active. */
const membersMax = 1_000

/** The organisations whose members were active last, and where there are fewer of them the newest; at most
 *  `organisationsMax`. One statement, which looks at a bounded part of idx_members_last_active and of the primary key: ids
 *  are in the order in which they were made. */
export function listActiveOrganisations(
  { db }: { readonly db: Runner },
  { organisationsMax }: { readonly organisationsMax: number },
): Promise<readonly ActiveOrganisation[]> {
  return db.run(sql<ActiveOrganisation>`
    with latest as (
      select organisation_id, last_active_at from members
       where status = 'active' and last_active_at is not null
       order by last_active_at desc limit ${membersMax}),
    active as (
      select organisation_id as id, max(last_active_at) as at from latest group by 1
       order by at desc limit ${organisationsMax}),
    newest as (select id, null::timestamptz as at from organisations order by id desc limit ${organisationsMax})
    select id as "organisationId", default_currency as "defaultCurrency", settlement_assets as "settlementAssets"
      from organisations
      join (select id, max(at) as at from (select * from active union all select * from newest) as named group by 1) as chosen
           using (id)
     order by chosen.at desc nulls last, id desc limit ${organisationsMax}`)
}
