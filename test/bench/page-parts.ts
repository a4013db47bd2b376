import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { paymentLinks } from '../../api/resources/payment-links.ts'
import { sql } from 'kysely'
import { createReader } from '../../shared/platform/resource/reader.ts'
import { openBusiness } from '../support/business.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { compare, type Result } from './cpu.ts'
import { pageFields, pageQuery } from './page.ts'

/** Where the time of a page goes: the page of `npm run bench -- page` with one kind of field left out at a time. */
export async function pageParts(): Promise<Result> {
  const url = await createDemoDatabase()
  const { organisationId } = await issueDemoCredentials(url)
  const business = await openBusiness({ url, connectionsMax: 1 })
  const { db, lifecycle } = business
  const reader = createReader(business, [paymentLinks])
  const listing = { resource: paymentLinks, scope: { organisationId } }
  const read = (fields: readonly string[]) => () =>
    reader.page(listing, { ...pageQuery, selection: { fields, expand: {} } }).run(db)
  const without = (...names: readonly string[]) =>
    read(pageFields.filter((name) => !names.includes(name)))
  const rivals = {
    'all 16 fields': read(pageFields),
    'without the 3 instants': without('createdAt', 'updatedAt', 'expiresAt'),
    'without the amount': without('amount'),
    'without the JSON and array': without('metadata', 'acceptedAssets'),
    'without the 5 texts': without('shortCode', 'status', 'description', 'reference', 'rateMode'),
    'without the 3 integers': without('completionsMax', 'completionsCount', 'version'),
    'the id alone': read(['id']),
  }
  const [backend] = await db.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
  const backendPids = [backend?.pid ?? 0]
  const spent = await compare(rivals, { backendPids, rounds: 9, callsPerRound: 200 })
  await lifecycle.stop()
  return { spent, against: 'all 16 fields' }
}
