import { sql } from 'kysely'
import { findCaller, recordActivity } from '#members'
import { transaction } from '#platform/database/transaction'
import { addMember, type Business, type Tenant } from './business.ts'

/** Members who were active at different times, some of them never. The last of them, whose id is returned, has five
 *  roles and a history of 13 entries. */
export async function addActiveMembers(
  business: Business,
  { organisationId }: Tenant,
  count: number,
): Promise<string> {
  let last = { memberId: '', token: '' }
  for (let index = 0; index < count; index += 1) {
    last = await addMember(business, organisationId, `member-${index}@example.org`)
    const hours = index % 3 === 0 ? null : index
    await business.db.run(sql`
      update members set last_active_at = now() - make_interval(hours => ${hours}::integer)
       where id = ${last.memberId}::uuid`)
  }
  await business.db.run(sql`
    insert into member_roles (member_id, role)
    select ${last.memberId}::uuid, unnest('{owner,admin,finance,support,creator}'::text[])`)
  await addActivity(business, last.token, 13)
  return last.memberId
}

/** Entries of what the holder of a credential did. */
export async function addActivity(
  business: Business,
  credential: string,
  count: number,
): Promise<void> {
  const caller = await findCaller(business.db, credential)
  if (!caller) {
    throw new Error('the credential does not work')
  }
  for (let index = 0; index < count; index += 1) {
    const action = index % 2 === 0 ? 'payment-link.created' : 'payment-link.updated'
    const entry = { caller, action, subjectId: business.random.uuid(), ip: '192.0.2.1' } as const
    await transaction(business, (tx) => recordActivity(tx, entry))
  }
}
