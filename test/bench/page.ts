import { expect } from 'chai'
import { Client } from 'pg'
import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { paymentLinks } from '../../api/resources/payment-links.ts'
import { PaymentLink } from '../../shared/payments/index.ts'
import type { ListQuery } from '../../shared/platform/resource/list-query.ts'
import { createReader } from '../../shared/platform/resource/reader.ts'
import { openBusiness } from '../support/business.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { compare, type Result } from './cpu.ts'
import { handWritten, present } from './page-by-hand.ts'

/** The 16 fields that all rivals give. */
export const pageFields = [
  'id',
  'shortCode',
  'status',
  'amount',
  'description',
  'reference',
  'memberId',
  'rateMode',
  'acceptedAssets',
  'completionsMax',
  'completionsCount',
  'expiresAt',
  'metadata',
  'createdAt',
  'updatedAt',
  'version',
]

/** The newest 50 links with these fields. */
export const pageQuery: Omit<ListQuery, 'binding'> = {
  conditions: [],
  sort: '-createdAt',
  limit: 50,
  count: 'none',
  selection: { fields: pageFields, expand: {} },
}

/** An uncached page of 50 payment links of 25,900, 16 fields: the declared read, the same by hand through pg and
 *  JSON.stringify, and through MikroORM entities. The first two give equal documents, which is checked first. */
export async function page(): Promise<Result> {
  const url = await createDemoDatabase()
  const { organisationId } = await issueDemoCredentials(url)
  const { db, clock, lifecycle } = await openBusiness({ url, connectionsMax: 1 })
  const hand = new Client({ connectionString: url })
  await hand.connect()
  const reader = createReader({ db, clock }, [paymentLinks])
  const listing = { resource: paymentLinks, scope: { organisationId } }
  const rivals = {
    'declared read': async () => `{"data":${(await reader.page(listing, pageQuery).run(db)).body}}`,
    'pg and JSON.stringify': async () => {
      const { rows } = await hand.query({
        name: 'page',
        text: handWritten(50),
        values: [organisationId],
      })
      return JSON.stringify({ data: rows.slice(0, 50).map(present) })
    },
    'MikroORM entities': async () => {
      const where = { organisationId, deletedAt: null }
      const orderBy = { createdAt: 'desc', id: 'desc' } as const
      const links = await db.fork().find(PaymentLink, where, { limit: 51, orderBy })
      return JSON.stringify({ data: links.slice(0, 50) })
    },
  }
  const [ours, theirs] = [await rivals['declared read'](), await rivals['pg and JSON.stringify']()]
  expect(JSON.parse(ours)).to.deep.equal(JSON.parse(theirs))
  const { rows } = await hand.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`,
  )
  const backendPids = rows.map(({ pid }) => pid)
  const spent = await compare(rivals, { backendPids, rounds: 9, callsPerRound: 100 })
  await hand.end()
  await lifecycle.stop()
  return { spent, against: 'pg and JSON.stringify' }
}
