import { expect } from 'chai'
import { sql } from 'kysely'
import type { Database } from '#platform/database/database'
import { readColumns } from '../../migrations/demo/packed.ts'
import { tagsOfTitles } from '../../migrations/demo/tags-of-titles.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'

describe('demo: contents and purchases', () => {
  let opened: OpenDatabase
  let db: Database
  before(async function () {
    this.timeout(120_000)
    opened = await openTestDatabase(await createDemoDatabase())
    db = opened.db
  })
  after(() => opened.close())

  it('has a page for every product, published where the product is for sale', async () => {
    const rows = await db.run(sql<{ status: string; count: string; same: string }>`
      select c.status, count(*) as count,
             count(*) filter (where (c.slug, c.title, c.published_at) = (p.slug, p.title, p.published_at)) as same
        from contents c join products p on p.id = c.product_id
         and (p.status = 'active') = (c.status = 'published')
       group by c.status order by c.status`)
    expect(rows).to.deep.equal([
      { status: 'archived', count: '844', same: '844' },
      { status: 'published', count: '3226', same: '3226' },
    ])
  })

  it('has every purchase of the published lines, by whom, of what and when', async () => {
    const published = await publishedPurchases()
    const rows = await db.run(sql<{ purchase: string }>`
      select concat_ws(' ', p.sku, m.email, to_char(i.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')) as purchase
        from interactions i join contents c on c.id = i.content_id join products p on p.id = c.product_id
        join members m on m.id = i.member_id
       where i.type = 'purchase' and i.is_counted
       order by i.created_at, i.id`)
    expect(rows).to.have.length(397_924)
    const found = rows.map(({ purchase }) => purchase)
    expect(found.toSorted().join('\n') === published.toSorted().join('\n')).to.equal(true)
    const [row] = await db.run(sql`select count(*)::integer as astray from interactions_default`)
    expect(row).to.deep.equal({ astray: 0 })
  })

  it('counts each purchase once, and leaves nothing to be counted or scored', async () => {
    const [row] = await db.run(sql`
      select sum(purchase_count)::integer as purchases, count(*) filter (where is_due)::integer as due,
             count(*) filter (where purchase_count <> (
               select count(*) from interactions i where i.content_id = s.content_id))::integer as wrong,
             count(*) filter (where (purchase_count > 0) <> (engagement_score > 0))::integer as unscored,
             (select count(*)::integer from interaction_inbox) as queued
        from content_scores s`)
    expect(row).to.deep.equal({ purchases: 397_924, due: 0, wrong: 0, unscored: 0, queued: 0 })
  })

  it('tags pages with the words that a few titles share', async () => {
    const rows = await db.run(sql<{ title: string; tags: string }>`
      select c.title, string_agg(t.name, ' ' order by t.name) as tags
        from contents c join content_tags on content_id = c.id join tags t on t.id = tag_id
       where c.title in ('REGENCY CAKESTAND 3 TIER', 'SPACEBOY LUNCH BOX', 'CHRISTMAS GINGHAM TREE')
       group by c.title order by c.title`)
    expect(rows.map(({ title, tags }) => `${title}: ${tags}`)).to.deep.equal([
      'CHRISTMAS GINGHAM TREE: christmas gingham tree',
      'REGENCY CAKESTAND 3 TIER: regency tier',
      'SPACEBOY LUNCH BOX: box lunch spaceboy',
    ])
  })
})

describe('demo: the tags of titles', () => {
  it('are words of five titles and at most a tenth of them, at most eight of each', () => {
    const rare = Array.from({ length: 4 }, () => 'RARE FROGS')
    const shared = Array.from({ length: 5 }, () => 'Shared Boxes, 12 of the CANVAS')
    const many = Array.from({ length: 60 }, (_, n) => `common ${n}`)
    const long = Array.from(
      { length: 5 },
      () => 'alpha bravo charlie delta echo foxtrot golf hotel india',
    )
    const tags = tagsOfTitles([...rare, ...shared, ...long, ...many])
    expect(tags[0]).to.deep.equal([])
    expect(tags[4]).to.deep.equal(['shared', 'box', 'canvas'])
    expect(tags[9]?.join(' ')).to.equal('alpha bravo charlie delta echo foxtrot golf hotel')
    expect(tags.at(-1)).to.deep.equal([])
  })
})

async function publishedPurchases(): Promise<readonly string[]> {
  const table = await readColumns('online-retail')
  const [codes = [], customers = [], times = [], invoices = [], quantities = []] = [
    'StockCode',
    'CustomerID',
    'InvoiceDate',
    'InvoiceNo',
    'Quantity',
  ].map((column) => (table.get(column) ?? '').split('\n'))
  return codes.flatMap((code, line) => {
    const [customer = ''] = (customers[line] ?? '').split('.')
    const isPurchase =
      customer !== '' && Number(quantities[line]) > 0 && !invoices[line]?.startsWith('C')
    return isPurchase ? [`${code} customer-${customer}@customers.invalid ${times[line]}`] : []
  })
}
