import { sql } from 'kysely'
import { createLink, newLinkSchema } from '#payments'
import { findCaller } from '#members'
import { transaction } from '#platform/database/transaction'
import type { Business, Tenant } from './business.ts'

/** Writes `count` links through the domain, with two items each; returns their ids in the order of creation. */
export async function addLinks(
  business: Business,
  tenant: Tenant,
  count: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const caller = await findCaller(business.db, tenant.secretKey)
  if (!caller) {
    throw new Error('the key of the tenant does not work')
  }
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const input = newLinkSchema.parse({
      currency: index % 3 === 0 ? 'USD' : 'GBP',
      items: [
        { name: 'Lantern', quantity: 2, unitAmount: 100 + index },
        { name: 'Ribbon', quantity: 1, unitAmount: 0 },
      ],
      status: index % 2 === 0 ? 'open' : 'draft',
      ...more,
    })
    ids.push(await transaction(business, (tx) => createLink(tx, business, caller, input)))
  }
  return ids
}

/** Writes links that no trigger looked at, as a restore or a superuser may.
 *  @param wanted.status `removed`: an open one that is deleted  @param wanted.rates of four
 *  @returns the id of one of them */
export async function addUnfrozenLinks(
  business: Business,
  tenant: Tenant,
  { status, rates = 0, count = 1 }: { status: string; rates?: number; count?: number },
): Promise<string> {
  const [model] = await addLinks(business, tenant, 1)
  return business.db.fork().transactional(async (em) => {
    const db = em.getKysely<Record<string, never>>()
    await sql`set local session_replication_role = replica`.execute(db)
    const { rows } = await sql<{ id: string; set: string }>`
      insert into payment_links (organisation_id, short_code, status, currency, accepted_assets, fx_set_id, deleted_at)
      select ${tenant.organisationId}, left(md5(random()::text), 12), ${status === 'removed' ? 'open' : status}, 'GBP',
             '{EUR,USD,AUD,JPY}', uuid_v7(), ${status === 'removed' ? sql`now()` : sql`null`}
        from generate_series(1, ${count}::integer)
      returning id, fx_set_id as set`.execute(db)
    const [link] = rows
    await sql`
      insert into fx_snapshots (set_id, organisation_id, payment_link_id, snapshot_type, currency, asset, rate, leg_base,
                                currency_leg, asset_leg, provider, batch_id, as_of, staleness_seconds, is_stale, captured_at, hash)
      select ${link?.set}, organisation_id, ${link?.id}, snapshot_type, currency, asset, rate, leg_base,
             currency_leg, asset_leg, provider, batch_id, as_of, staleness_seconds, is_stale, captured_at, hash
        from fx_snapshots where payment_link_id = ${model} limit ${rates}`.execute(db)
    return link?.id ?? ''
  })
}
