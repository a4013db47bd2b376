import { sql } from 'kysely'
import { buildModel, foldInterests } from '#content'
import { systemClock } from '#platform/clock'
import { transaction } from '#platform/database/transaction'
import { systemRandom } from '#platform/random'
import { addMember, type Business, type Tenant } from './business.ts'

/** A member who takes contents, with a token. */
export type Taster = { readonly memberId: string; readonly token: string }

export type Taken = {
  readonly memberId: string
  readonly contentIds: readonly string[]
  readonly type?: string
  readonly at?: string
}

/** Writes what a member did with contents, a second apart; purchases of one day unless said otherwise. */
export async function take(
  { db }: Pick<Business, 'db'>,
  { organisationId }: Pick<Tenant, 'organisationId'>,
  { memberId, contentIds, type = 'purchase', at = '2026-01-03T00:00:00Z' }: Taken,
): Promise<void> {
  await db.run(sql`
    insert into interactions (organisation_id, member_id, content_id, type, created_at)
    select ${organisationId}::uuid, ${memberId}::uuid, id, ${type}, ${at}::timestamptz + n * interval '1 second'
      from unnest(${[...contentIds]}::uuid[]) with ordinality as taken (id, n)`)
}

/** Two circles of twelve members: those of the first took the contents 0 to 9, those of the second 10 to 19. */
export async function addCircles(
  business: Business,
  tenant: Tenant,
  contentIds: readonly string[],
): Promise<void> {
  for (let n = 0; n < 24; n += 1) {
    const { memberId } = await addMember(business, tenant.organisationId, `circle-${n}@example.org`)
    const first = n % 2 === 0 ? 0 : 10
    await take(business, tenant, { memberId, contentIds: contentIds.slice(first, first + 10) })
  }
}

/** What the job does, for one organisation. */
export async function buildTastes(
  { db }: Pick<Business, 'db'>,
  { organisationId }: Pick<Tenant, 'organisationId'>,
): Promise<void> {
  await foldInterests({ db }, { organisationId })
  const slice = { db, clock: systemClock, random: systemRandom }
  await transaction(slice, (tx) => buildModel(tx, { organisationId }))
}
