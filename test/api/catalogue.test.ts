import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Answer, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { recordStatements } from '../support/statements.ts'

describe('the catalogue of a storefront', () => {
  let business: Business
  let tenant: Tenant
  let shop: Shop
  let api: Api
  let clock: TestClock
  let statements: ReturnType<typeof recordStatements>

  before(async () => {
    clock = createTestClock(new Date('2026-02-01T00:00:00Z'))
    business = await openBusiness({ clock })
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    shop = await addProducts(business, tenant, 6)
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const get = (path: string, as = tenant.publishableKey): Promise<Answer> =>
    api.call('GET', `/api/v2/${path}`, { as })
  const idsOf = ({ json }: Answer): string[] => json.data.map(({ id }: { id: string }) => id)

  /** Runs `work` with one product changed, and changes it back. */
  async function withChange(change: ReturnType<typeof sql>, work: (id: string) => Promise<void>) {
    const id = shop.productIds[5] ?? ''
    await business.db.run(sql`update products set ${change} where id = ${id}::uuid`)
    await work(id)
    await business.db.run(sql`
      update products set status = 'active', deleted_at = null, published_at = created_at where id = ${id}::uuid`)
  }

  it('shows the newest first, page by page', async () => {
    const newestFirst = shop.productIds.toReversed()
    expect(idsOf(await get('products'))).to.deep.equal(newestFirst)
    const { json } = await get('products?limit=4')
    const rest = await get(`products?limit=4&cursor=${json.page.nextCursor}`)
    expect(idsOf(rest)).to.deep.equal(newestFirst.slice(4))
  })

  for (const [what, change] of [
    ['a draft', sql`status = 'draft'`],
    ['what is archived', sql`status = 'archived'`],
    ['what is removed', sql`deleted_at = now()`],
    ['what is published tomorrow', sql`published_at = '2026-02-02T00:00:00Z'`],
  ] as const) {
    it(`hides ${what} in every way there is, even from a secret key`, () =>
      withChange(change, async (id) => {
        for (const as of [tenant.publishableKey, tenant.secretKey]) {
          expect(idsOf(await get('products', as))).to.deep.equal(
            shop.productIds.slice(0, 5).toReversed(),
          )
          expect(idsOf(await get('products/search?q=ribbon', as))).not.to.include(id)
          expect((await get(`products/${id}`, as)).status).to.equal(404)
          const legacy = await api.call('GET', '/api/products', { as })
          expect(idsOf(legacy)).not.to.include(id)
        }
      }))
  }

  it('shows a product from the instant on at which it is published', () =>
    withChange(sql`published_at = '2026-02-01T00:01:00Z'`, async (id) => {
      await clock.advance(59_999)
      expect((await get(`products/${id}`)).status).to.equal(404)
      await clock.advance(1)
      expect((await get(`products/${id}`)).status).to.equal(200)
    }))

  it('asks the price of the instant: the old one until, the new one from', async () => {
    const id = shop.productIds[1] ?? ''
    await business.db.run(sql`
      insert into prices (organisation_id, product_id, currency, amount_minor, compare_at_minor, tax_inclusive, valid_from,
                          valid_to)
      values (${tenant.organisationId}, ${id}, 'JPY', 900, null, false, '2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z'),
             (${tenant.organisationId}, ${id}, 'JPY', 700, 900, false, '2026-03-01T00:00:00Z', null)`)
    const pricing = async (): Promise<unknown> => {
      const { json } = await get(`products/${id}/pricing?fields=amount,compareAt`)
      const expanded = await get(
        `products/${id}?expand=prices&fields=prices.amount,prices.compareAt`,
      )
      expect(expanded.json.data.prices.data).to.deep.equal(json.data)
      return json.data
    }
    const yen = (amount: number) => ({ amount, currency: 'JPY', exponent: 0 })
    clock.setWallTime(new Date('2026-02-28T23:59:59.999Z'))
    expect(await pricing()).to.deep.equal([{ amount: yen(900), compareAt: null }])
    clock.setWallTime(new Date('2026-03-01T00:00:00Z'))
    expect(await pricing()).to.deep.equal([{ amount: yen(700), compareAt: yen(900) }])
  })

  it('puts category, prices and stock into a product, in one statement', async () => {
    const [id = ''] = shop.productIds
    statements.sent.length = 0
    const { json } = await get(`products/${id}?expand=category.parent,prices,inventory`)
    expect(statements.count('products')).to.equal(1)
    expect(statements.count('inventory_items')).to.equal(1)
    expect(json.data.category).to.include({ slug: 'shelf-1', path: 'gifts/shelf-1', depth: 1 })
    expect(json.data.category.parent).to.include({ id: shop.rootId, parentId: null })
    expect(json.data.prices.data).to.have.length(13)
    expect(json.data.inventory.data[0]).to.include({ location: 'warehouse-1', onHand: 10 })
    expect(json.data).not.to.have.property('status')
  })

  it('finds the one product of a slug, of a code, and those of a category', async () => {
    const [first = '', ...others] = shop.productIds
    expect(idsOf(await get('products?slug=product-1'))).to.deep.equal([first])
    expect(idsOf(await get('products?sku=P1'))).to.deep.equal([first])
    expect(idsOf(await get('products?sku=p1'))).to.deep.equal([])
    const { json } = await get(`products/${first}`)
    const inCategory = idsOf(await get(`products?categoryId=${json.data.categoryId}`))
    expect(inCategory).to.have.members([first, ...others])
    expect(idsOf(await get(`products?categoryId=${shop.rootId}`))).to.deep.equal([])
  })

  it('gives the roots, the children of one and everything below a path', async () => {
    expect(idsOf(await get('categories?depth=0'))).to.deep.equal([shop.rootId])
    const children = await get(`categories?parentId=${shop.rootId}&fields=path`)
    expect(children.json.data).to.have.length(13)
    expect(children.json.data[0]).to.deep.equal({ path: 'gifts/shelf-1' })
    expect(idsOf(await get('categories?pathPrefix=gifts/shelf-1'))).to.have.length(5)
    expect(idsOf(await get('categories?pathPrefix=shelf'))).to.deep.equal([])
    expect(idsOf(await get('categories?slug=gifts'))).to.deep.equal([shop.rootId])
  })

  for (const depth of ['32768', '-40000', '99999999999', '1.5', '0x1', 'a', '1e3', '']) {
    it(`refuses the depth ${depth === '' ? 'of nothing' : depth}, which is none`, async () => {
      const { status, json } = await get(`categories?depth=${depth}`)
      expect([status, json.errors?.[0].pointer]).to.deep.equal([400, '#/query/depth'])
    })
  }

  it('needs something to look for', async () => {
    const { status, json } = await get('products/search')
    expect([status, json.errors?.[0].pointer]).to.deep.equal([400, '#/query/q'])
  })
})
