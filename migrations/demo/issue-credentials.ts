import { issueAdminToken, issueApiKey, issueMemberToken } from '#members'
import type { Runner } from '#platform/database/database'
import { systemRandom } from '#platform/random'
import { sql } from 'kysely'
import { CommandError } from '../command-error.ts'
import { inTransaction } from './session.ts'

/** What a developer needs to call the demo; the texts cannot be had again. */
export type DemoCredentials = {
  readonly organisationId: string
  readonly secretKey: string
  readonly publishableKey: string
  /** A secret key whose quota load tests do not reach. */
  readonly loadKey: string
  /** Of the customer with the most payment links. */
  readonly memberToken: string
  readonly adminToken: string
}

/** Issues one credential of each kind for the demo organisation, in one transaction. Those that it issued before stop
 *  working; whoever still has them should go on using them instead of calling this.
 *  @throws {CommandError} when the demo has not been loaded */
export async function issueDemoCredentials(databaseUrl: string): Promise<DemoCredentials> {
  return inTransaction(databaseUrl, undefined, async (tx) => {
    const { organisationId, memberId } = await getBestCustomer(tx)
    await revokeEarlier(tx, organisationId)
    const slice = { db: tx, random: systemRandom }
    const secret = await issueApiKey(slice, { organisationId, kind: 'secret', name })
    const publishable = await issueApiKey(slice, { organisationId, kind: 'publishable', name })
    const load = await issueApiKey(slice, { organisationId, kind: 'secret', name, class: 'load' })
    const member = await issueMemberToken(slice, { organisationId, memberId, name })
    const admin = await issueAdminToken(slice, { name, role: 'admin' })
    return {
      organisationId,
      secretKey: secret.text,
      publishableKey: publishable.text,
      loadKey: load.text,
      memberToken: member.text,
      adminToken: admin.text,
    }
  })
}

/** Tells these from credentials that somebody made by hand. */
const name = 'npm start'

async function getBestCustomer(db: Runner) {
  const [best] = await db.run(sql<{ organisationId: string; memberId: string }>`
    select o.id as "organisationId", l.member_id as "memberId"
      from organisations o
      join payment_links l on l.organisation_id = o.id
     where o.slug = 'demo' and l.member_id is not null
     group by o.id, l.member_id
     order by count(*) desc, l.member_id
     limit 1`)
  if (best === undefined) {
    throw new CommandError(
      'no credentials were issued',
      'the demo business is not in this database',
      'npm run seed loads it',
    )
  }
  return best
}

async function revokeEarlier(db: Runner, organisationId: string): Promise<void> {
  await db.run(sql`
    with keys as (
      update api_keys set revoked_at = now()
       where organisation_id = ${organisationId}::uuid and name = ${name} and revoked_at is null)
    update admin_tokens set revoked_at = now() where name = ${name} and revoked_at is null`)
}
