import { expect } from 'chai'
import { sql } from 'kysely'
import { verifySnapshots } from '#fx'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
} from '../../support/business.ts'
import { addLinks } from '../../support/links.ts'

describe('the verification of frozen rates', () => {
  let business: Business
  let links: readonly string[]

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    await publishRates(business, ecbRates)
    const tenant = await addTenant(business, 'verified')
    links = await addLinks(business, tenant, 3)
  })

  after(() => business.lifecycle.stop())

  const faultsOf = async (link = '') => {
    const faults = await verifySnapshots(business.db, link)
    return faults.flatMap(({ parts }) => parts)
  }

  /** Changes what cannot be changed, as somebody with the rights of an owner could. */
  async function tamper(link: string | undefined, change: string): Promise<void> {
    await business.db.run(sql`alter table fx_snapshots disable trigger fx_snapshots_append_only`)
    await business.db.run(sql`
      update fx_snapshots set ${sql.raw(change)}
       where id = (select id from fx_snapshots where payment_link_id = ${link}::uuid and asset = 'USD' limit 1)`)
    await business.db.run(sql`alter table fx_snapshots enable trigger fx_snapshots_append_only`)
  }

  it('finds nothing in what the product has frozen', async () => {
    for (const link of links) {
      expect(await faultsOf(link)).to.deep.equal([])
    }
  })

  const tampered: readonly [string, string, readonly string[]][] = [
    ['a rate that is another in the last digit', 'rate = rate + 0.000000000001', ['rate', 'hash']],
    ['an amount that is a cent more', 'amount_minor = amount_minor + 1', ['amount']],
    ['a leg that was never published', 'asset_leg = asset_leg * 2', ['legs', 'rate']],
    ['a hash that is of something else', `hash = sha256('x')`, ['hash']],
  ]
  for (const [what, change, parts] of tampered) {
    it(`finds ${what}`, async () => {
      const [link] = await addLinks(business, await addTenant(business, `t${change.length}`), 1)
      await tamper(link, change)
      expect(await faultsOf(link)).to.include.members([...parts])
    })
  }
})
