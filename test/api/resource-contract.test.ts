import { expect } from 'chai'
import { sql } from 'kysely'
import { readsOf } from '../../api/http/resource-reads.ts'
import { resources } from '../../api/resources.ts'
import type { Resource } from '#platform/resource/define-resource'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { addPostings } from '../support/ledger.ts'
import { addLinks } from '../support/links.ts'
import { addActiveMembers } from '../support/members.ts'
import { neededFilters } from '../support/needed-filters.ts'
import { recordStatements } from '../support/statements.ts'

// What every declared read promises, tried on every resource in the list. A resource cannot be listed without it.

/** Scopes that a key in a shop window has too. */
const openScopes: readonly string[] = ['fx:read', 'catalogue:read']

/** Lists that hold one item for whoever asks: there is nothing to page through. */
const single = new Set(['organisations'])

describe('every declared resource', () => {
  let business: Business
  let tenant: Tenant
  let stranger: Tenant
  let api: Api
  let linkId: string
  let productId: string
  let memberId: string
  let statements: ReturnType<typeof recordStatements>

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    stranger = await addTenant(business, 'inland')
    for (let day = 0; day < 8; day += 1) {
      await publishRates(business, ecbRates, new Date(Date.now() - day * 86_400_000))
    }
    const [first = ''] = await addLinks(business, tenant, 13)
    linkId = first
    productId = (await addProducts(business, tenant, 26)).productIds[0] ?? ''
    memberId = await addActiveMembers(business, tenant, 13)
    await addPostings(business, tenant, { linkId, count: 8 })
    api = await startApi(business)
    for (let turn = 0; turn < 3; turn += 1) {
      const options = { as: tenant.secretKey, body: {}, headers: { 'idempotency-key': `r${turn}` } }
      await api.call('POST', `/api/v2/payment-links/${linkId}/requote`, options)
    }
  })
  after(() => business.lifecycle.stop())

  const parentIdOf = ({ parent }: Resource): string =>
    ({ members: memberId, products: productId })[parent?.resource().name ?? ''] ?? linkId
  const pathOf = (resource: Resource): string =>
    (readsOf(resource)[0]?.path ?? '').replace(':id', parentIdOf(resource))
  const get = (path: string, as = tenant.secretKey, headers = {}): Promise<Answer> =>
    api.call('GET', path, { as, headers })
  const listOf = (resource: Resource, search = '', as = tenant.secretKey): Promise<Answer> =>
    get(
      `${pathOf(resource)}?${[neededFilters[resource.name], search].filter(Boolean).join('&')}`,
      as,
    )

  async function walk(
    resource: Resource,
    search: string,
    limit: number,
    meanwhile?: () => Promise<unknown>,
  ) {
    const items: Record<string, unknown>[] = []
    let cursor: string | undefined
    do {
      const at = cursor === undefined ? '' : `&cursor=${cursor}`
      const { status, json } = await listOf(resource, `${search}&limit=${limit}${at}`)
      expect(status).to.equal(200)
      items.push(...json.data)
      cursor = json.page.nextCursor
      await meanwhile?.()
    } while (cursor !== undefined && items.length < 2000)
    return items
  }

  for (const resource of resources) {
    const key = ['id', 'code', 'role'].find((name) => name in resource.fields) ?? ''

    describe(resource.name, () => {
      for (const { name: sort, nulls } of resource.sorts) {
        it(`walks by ${sort} to the end with no gap and no repeat, whatever the page size`, async () => {
          const whole = await walk(resource, `sort=${sort}`, resource.page.limitMax)
          const paged = await walk(resource, `sort=${sort}`, 3)
          expect(whole.length).to.be.greaterThan(single.has(resource.name) ? 0 : 1)
          expect(paged).to.deep.equal(whole)
          expect(new Set(paged.map((item) => JSON.stringify(item))).size).to.equal(paged.length)
          const field = sort.replace('-', '')
          const nothing = sort.startsWith('-') === (nulls === 'first') ? '\uffff' : ''
          const values = whole.map((item) => String(item[field]).replace(/^null$/, nothing))
          const isNumeric = values.every((value) => /^\d+$/.test(value))
          const ordered = values.toSorted((one, other) =>
            isNumeric ? Number(one) - Number(other) : one < other ? -1 : one > other ? 1 : 0,
          )
          expect(values).to.deep.equal(sort.startsWith('-') ? ordered.toReversed() : ordered)
        })

        it(`comes back by ${sort} over the same pages`, async () => {
          const first = await listOf(resource, `sort=${sort}&limit=2`)
          const second = await listOf(
            resource,
            `limit=2&sort=${sort}&cursor=${first.json.page.nextCursor ?? ''}`,
          )
          if (first.json.page.nextCursor === undefined) {
            expect(first.json.page.hasMore).to.equal(false)
            return
          }
          const back = await listOf(
            resource,
            `sort=${sort}&limit=2&cursor=${second.json.page.prevCursor}`,
          )
          expect(back.json.data).to.deep.equal(first.json.data)
          expect(back.json.page.hasMore).to.equal(false)
        })
      }

      it('gives items that are exactly what the schema says', async () => {
        const { json } = await listOf(resource)
        for (const item of json.data) {
          resource.item.strict().parse(item)
        }
      })

      it('answers 304 to the ETag it gave', async () => {
        const first = await listOf(resource)
        const etag = first.headers.get('etag') ?? ''
        const search = neededFilters[resource.name] ?? ''
        const again = await get(`${pathOf(resource)}?${search}`, tenant.secretKey, {
          'if-none-match': etag,
        })
        expect(etag).to.match(/^W\/"/)
        expect([again.status, again.text]).to.deep.equal([304, ''])
      })

      it('selects only the fields that are asked for, in one statement', async () => {
        const [name = ''] = Object.keys(resource.fields)
        statements.sent.length = 0
        const { json } = await listOf(resource, `fields=${name}&count=exact`)
        expect(Object.keys(json.data[0])).to.deep.equal([name])
        const table = resource.entity.meta.tableName
        const reads = statements.sent.filter(({ text }) => text.includes(`from "${table}" as "t"`))
        expect(reads).to.have.length(1)
        const others = Object.keys(resource.fields).filter((one) => one !== name)
        for (const other of others) {
          expect(reads[0]?.text).to.not.include(`as "${other}"`)
        }
        expect(json.page.total).to.be.a('number')
      })

      it('refuses what it does not know, naming the parameter', async () => {
        const bad = [
          'limit=0',
          'limit=-1',
          'limit=1.5',
          'limit=abc',
          'limit[]=1',
          'limit=',
          'nope=1',
          'sort=nope',
        ]
        for (const search of [
          ...bad,
          'fields=nope',
          'fields=',
          'limit=1&limit=2',
          'count=all',
          'cursor=x',
          'a%00=b',
        ]) {
          const { status, json } = await listOf(resource, search)
          expect([status, json.errors?.[0]?.pointer], search).to.deep.equal([
            400,
            `#/query/${decodeURIComponent(search.split('=')[0] ?? '')}`,
          ])
        }
      })

      it('takes a limit above the maximum as the maximum', async () => {
        const { json } = await listOf(resource, 'limit=1000000000')
        expect(json.page.limit).to.equal(resource.page.limitMax)
      })

      it('refuses a cursor that was changed, or belongs to another list, sort, filter or caller', async () => {
        const { json } = await listOf(resource, 'limit=1')
        if (single.has(resource.name)) {
          expect(json.page.nextCursor).to.equal(undefined)
          return
        }
        const cursor: string = json.page.nextCursor
        const flipped = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`
        const other = resource.sorts[1]?.name
        const places = [
          listOf(resource, `cursor=${flipped}`),
          listOf(resource, `cursor=${cursor.replace('v1', 'v2')}`),
          listOf(resource, `cursor=${cursor.replace('.test.', '.other.')}`),
          listOf(resource, `cursor=${'A'.repeat(3000)}`),
          ...(other ? [listOf(resource, `cursor=${cursor}&sort=${other}`)] : []),
          ...(resource.visibility === 'public' || resource.parent
            ? []
            : [listOf(resource, `cursor=${cursor}`, stranger.secretKey)]),
        ]
        for (const { status, json: problem } of await Promise.all(places)) {
          expect([status, problem.type]).to.deep.equal([
            400,
            `${api.origin}/problems/read/invalid-cursor`,
          ])
        }
      })

      it('needs a credential, a good one, with the scope', async () => {
        const path = `${pathOf(resource)}?${neededFilters[resource.name] ?? ''}`
        expect((await api.call('GET', path)).status).to.equal(401)
        expect((await get(path, `${tenant.secretKey}x`)).status).to.equal(401)
        const isOpen = openScopes.includes(resource.scope)
        expect((await get(path, tenant.publishableKey)).status).to.equal(isOpen ? 200 : 403)
      })

      if (resource.visibility !== 'public') {
        it('shows nothing of it to another organisation, not even that it exists', async () => {
          const theirs = await listOf(resource, '', stranger.secretKey)
          if (resource.parent) {
            const missing = await get(
              pathOf(resource).replace(parentIdOf(resource), crypto.randomUUID()),
            )
            expect(theirs.status).to.equal(404)
            expect(comparable(theirs)).to.deep.equal(comparable(missing))
          } else {
            const { json } = await listOf(resource)
            const ours = json.data.map((item: unknown) => JSON.stringify(item))
            const seen = theirs.json.data.map((item: unknown) => JSON.stringify(item))
            expect(ours).to.have.length.above(0)
            expect(seen.filter((item: string) => ours.includes(item))).to.deep.equal([])
          }
        })
      }

      if (resource.operations === 'list-and-detail') {
        it('reads one item as the list shows it, with the fields that are asked for', async () => {
          const { json } = await listOf(resource, 'limit=1')
          const [item] = json.data
          const detail = await get(`${pathOf(resource)}/${item[key]}`)
          expect(detail.json.data).to.deep.equal(item)
          const part = await get(`${pathOf(resource)}/${item[key]}?fields=${key}`)
          expect(part.json.data).to.deep.equal({ [key]: item[key] })
          const etag = detail.headers.get('etag') ?? ''
          const again = await get(`${pathOf(resource)}/${item[key]}`, tenant.secretKey, {
            'if-none-match': etag,
          })
          expect(again.status).to.equal(304)
        })

        it('answers the same 404 for what is missing, malformed and another’s', async () => {
          const { json } = await listOf(resource, 'limit=1')
          const ids = [crypto.randomUUID(), 'nothing', "1' or '1'='1", '..%2f..%2fetc', '%00']
          const answers = await Promise.all(
            ids.map((id) => get(`${pathOf(resource)}/${encodeURIComponent(id)}`)),
          )
          if (resource.visibility !== 'public') {
            answers.push(await get(`${pathOf(resource)}/${json.data[0][key]}`, stranger.secretKey))
          }
          for (const answer of answers) {
            expect(answer.status).to.equal(404)
            expect(comparable(answer)).to.deep.equal(comparable(answers[0]))
          }
        })
      }

      if (resource.legacyPath !== undefined) {
        it('serves the same items in version 1, by page number, marked as deprecated', async () => {
          const { headers, json } = await get(`/api/${resource.legacyPath}?page=2&limit=4`)
          const modern = await listOf(resource, 'limit=100&count=exact')
          const total: number = modern.json.page.total
          expect(json.data).to.deep.equal(modern.json.data.slice(4, 8))
          expect(json.pagination).to.deep.equal({
            page: 2,
            limit: 4,
            total,
            total_pages: Math.ceil(total / 4),
          })
          expect(headers.get('deprecation')).to.match(/^@\d+$/)
          expect(new Date(headers.get('sunset') ?? '').getTime()).to.be.greaterThan(Date.now())
          expect(headers.get('link')).to.include('rel="successor-version"')
          const detail = await get(`/api/${resource.legacyPath}/${json.data[0][key]}`)
          expect(detail.json.data).to.deep.equal(json.data[0])
        })
      }
    })
  }

  it('visits each link once while others are being created', async () => {
    const paymentLinks = resources[0]
    const before = await walk(paymentLinks, '', 100)
    const seen = await walk(paymentLinks, '', 2, () => addLinks(business, tenant, 1))
    expect(seen.map(({ id }) => id)).to.deep.equal(before.map(({ id }) => id))
  })

  it('keeps microseconds in its cursors: rows 1 µs apart are neither skipped nor repeated', async () => {
    const { organisationId } = await addTenant(business, 'microseconds')
    const key = await addTenant(business, 'microseconds-two')
    await business.db.run(sql`select ${organisationId}::uuid`)
    const ids = await addLinks(business, key, 12)
    await business.db.run(sql`
      update payment_links set created_at = '2026-01-01T00:00:00.000001Z'::timestamptz + position * interval '1 microsecond'
        from unnest(${ids}::uuid[]) with ordinality as one (id, position)
       where payment_links.id = one.id`)
    const walked: string[] = []
    let search = '?limit=1&sort=createdAt'
    while (search !== '' && walked.length < 50) {
      const { json } = await get(`/api/v2/payment-links${search}`, key.secretKey)
      walked.push(...json.data.map(({ id }: { id: string }) => id))
      const next = json.page.nextCursor
      search = next === undefined ? '' : `?limit=1&sort=createdAt&cursor=${next}`
    }
    expect(walked).to.deep.equal(ids)
  })
})

/** A problem without what differs from request to request. */
function comparable(answer: Answer | undefined): unknown {
  const { type, title, status, detail } = answer?.json ?? {}
  return { type, title, status, detail, mediaType: answer?.headers.get('content-type') }
}
