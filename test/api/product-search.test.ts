import { expect } from 'chai'
import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { startApi, type Api } from '../support/api.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { recordStatements } from '../support/statements.ts'

describe('the products of the demo, searched and listed', () => {
  let business: Business
  let api: Api
  let key: string
  let statements: ReturnType<typeof recordStatements>

  before(async function () {
    this.timeout(120_000)
    const url = await createDemoDatabase()
    key = (await issueDemoCredentials(url)).publishableKey
    business = await openBusiness({ url })
    statements = recordStatements(business.db)
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  async function search(q: string, more = ''): Promise<readonly string[]> {
    const query = `q=${encodeURIComponent(q)}&fields=title&limit=100${more}`
    const { status, json } = await api.call('GET', `/api/v2/products/search?${query}`, { as: key })
    expect(status, q).to.equal(200)
    return json.data.map(({ title }: { title: string }) => title)
  }

  async function explain(path: string): Promise<string> {
    statements.sent.length = 0
    await api.call('GET', `/api/v2/${path}`, { as: key })
    const sent = statements.sent.find(({ text }) => text.includes('from "products" as "t"'))
    const { rows } = await business.db.pool.query<{ 'QUERY PLAN': string }>(
      `explain ${sent?.text}`,
      [...(sent?.values ?? [])],
    )
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }

  const wanted = 'REGENCY CAKESTAND 3 TIER'
  for (const [what, q] of [
    ['the exact words', 'regency cakestand 3 tier'],
    ['one word', 'cakestand'],
    ['another form of a word', 'cakestands'],
    ['two words in any order', 'cakestand regency'],
    ['capitals', 'CAKESTAND'],
    ['a wrong letter', 'cakestend'],
    ['a missing letter', 'cakstand'],
    ['a letter too many', 'cakesstand'],
    ['two letters swapped', 'cakestnad'],
    ['two words, one mistyped', 'regency cakestnad'],
    ['quotes', '"regency cakestand"'],
  ] as const) {
    it(`finds it by ${what}: ${q}`, async () => {
      expect((await search(q)).slice(0, 5)).to.include(wanted)
    })
  }

  it('puts what has the words themselves before what only resembles them', async () => {
    const titles = await search('lantern')
    expect(titles.length).to.be.greaterThan(20)
    expect(titles[0]).to.match(/\bLANTERNS?\b/)
  })

  for (const q of [
    'xqzvwk',
    'zzzzzzzz',
    '☃',
    '---',
    '"',
    "'; drop table products; --",
    '%',
    '& | ! ( )',
    '<->',
  ]) {
    it(`finds nothing and no error by ${q}`, async () => {
      expect(await search(q)).to.deep.equal([])
    })
  }

  it('walks a long answer to its end without a gap or a repeat', async () => {
    const whole = await search('christmas', '&count=exact')
    const seen: string[] = []
    let cursor = ''
    do {
      const at = cursor && `&cursor=${cursor}`
      const { json } = await api.call('GET', `/api/v2/products/search?q=christmas&limit=9${at}`, {
        as: key,
      })
      seen.push(...json.data.map(({ id }: { id: string }) => id))
      cursor = json.page.nextCursor ?? ''
    } while (cursor !== '')
    expect(new Set(seen).size).to.equal(seen.length)
    expect(seen.length).to.be.at.least(whole.length)
  })

  it('asks both inverted indexes, and reads no table from end to end', async () => {
    const plan = await explain('products/search?q=regency+cakestnad')
    expect(plan).to.include('Bitmap Index Scan on idx_products_search')
    expect(plan).to.include('Bitmap Index Scan on idx_products_title_trgm')
    expect(plan).not.to.match(/Seq Scan on (?!cache_epoch)/)
  })

  for (const list of ['products', 'products?sort=title']) {
    it(`reads no table from end to end for ${list} either, not even for what will be published`, async () => {
      expect(await explain(list)).not.to.match(/Seq Scan on (?!cache_epoch)/)
    })
  }
})
