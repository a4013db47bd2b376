import { expect } from 'chai'
import { sql } from 'kysely'
import { createOrganisation, findOrganisationFaults } from '#members'
import { Problem } from '#platform/problem'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDatabase } from '../support/servers.ts'

const acme = {
  name: ' Acme Ltd ',
  slug: 'acme',
  defaultCurrency: 'GBP',
  settlementAssets: ['EUR', 'USD', 'HBAR', 'JPY'],
}

describe('members: a new organisation', () => {
  let opened: OpenDatabase
  before(async () => {
    opened = await openTestDatabase(await createDatabase())
  })
  after(() => opened.close())

  it('is stored as described, and its slug is taken from then on', async () => {
    const id = await createOrganisation(opened, acme)
    const rows = await opened.db.run(sql`
      select id, name, slug, default_currency as currency, settlement_assets as assets from organisations`)
    expect(rows).to.deep.equal([
      { id, name: 'Acme Ltd', slug: 'acme', currency: 'GBP', assets: acme.settlementAssets },
    ])
    const again = await createOrganisation(opened, { ...acme, name: 'Another' }).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(again)
      .to.be.instanceOf(Problem)
      .with.nested.property('type.slug', 'members/organisation-slug-taken')
  })

  it('is refused with every fault at once', async () => {
    const wrong = {
      name: '  ',
      slug: 'Acme--Ltd',
      defaultCurrency: 'gbp',
      settlementAssets: ['EUR', 'EUR', 'DEM', 'XXX'],
    }
    const error = await createOrganisation(opened, wrong).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).to.be.instanceOf(Problem)
    const faults = error instanceof Problem ? error.faults.map(({ pointer }) => pointer) : []
    expect(faults).to.deep.equal([
      '#/name',
      '#/slug',
      '#/defaultCurrency',
      '#/settlementAssets',
      '#/settlementAssets/2',
      '#/settlementAssets/3',
    ])
  })

  it('may have any slug that is a label of a host name', () => {
    const faulty = (slug: string) => findOrganisationFaults({ ...acme, slug }).length > 0
    for (const slug of ['a', '7', 'acme-2', 'a'.repeat(63)]) {
      expect(faulty(slug), slug).to.equal(false)
    }
    for (const slug of ['', '-a', 'a-', 'a--b', 'a_b', 'ä', 'a b', 'A', 'a'.repeat(64), 'a\n']) {
      expect(faulty(slug), slug).to.equal(true)
    }
  })
})
