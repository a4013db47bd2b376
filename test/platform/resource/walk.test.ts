import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { startApi, type Api } from '../../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../../support/business.ts'
import { addLinks } from '../../support/links.ts'

/** One link as the model knows it; `at` is an offset in microseconds, and few of them differ. */
type Row = {
  readonly id: string
  readonly at: number
  readonly status: string
  readonly isThere: boolean
}

/** Where the model goes on from: beside this row, or with it. */
type Edge = { readonly row: Row; readonly isInclusive: boolean }

const rowCount = 12
const statuses = ['draft', 'open', 'paid'] as const
const fresh = fc.record({
  at: fc.integer({ min: 0, max: 3 }),
  status: fc.constantFrom(...statuses),
  isThere: fc.boolean(),
})
/** Between two pages a row may appear, vanish or change its status; it never changes its place. */
const change = fc.record({
  index: fc.nat(rowCount - 1),
  status: fc.constantFrom(...statuses),
  isThere: fc.boolean(),
})
const step = fc.record({
  direction: fc.constantFrom('next', 'next', 'next', 'prev'),
  limit: fc.integer({ min: 1, max: 5 }),
  isCounted: fc.boolean(),
  changes: fc.array(change, { maxLength: 3 }),
})
const filters = [
  '',
  'status=open',
  'status=paid,draft',
  'status=open,open',
  'status=paid,draft,paid',
]

describe('any walk over a list', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let ids: readonly string[]

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    ids = (await addLinks(business, tenant, rowCount)).toSorted()
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const store = (rows: readonly Row[]): Promise<unknown> =>
    business.db.run(sql`
      update payment_links l
         set created_at = '2026-01-01T00:00:00Z'::timestamptz + row.at * interval '1 microsecond',
             status = row.status, deleted_at = case when not row.is_there then now() end
        from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ at }) => at)}::int[],
                    ${rows.map(({ status }) => status)}::text[], ${rows.map(({ isThere }) => isThere)}::boolean[])
             as row (id, at, status, is_there)
       where l.id = row.id`)

  /** Negative when `one` stands before `other` in an ascending list. */
  const compare = (one: Row, other: Row): number =>
    one.at - other.at || (one.id < other.id ? -1 : Number(one.id > other.id))

  it('shows what a sorted array would, whatever is added, removed and changed on the way', async () => {
    const walk = async (
      start: readonly Omit<Row, 'id'>[],
      { isDescending, filter }: { isDescending: boolean; filter: string },
      steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
    ): Promise<void> => {
      let rows = start.map((row, index): Row => ({ ...row, id: ids[index] ?? '' }))
      const wanted = /status=(.*)/.exec(filter)?.[1]?.split(',')
      const order = (one: Row, other: Row): number => compare(one, other) * (isDescending ? -1 : 1)
      let cursors: { next?: string; prev?: string } = {}
      let edges: { next?: Edge; prev?: Edge } = {}
      for (const { direction, limit, isCounted, changes } of steps) {
        rows = rows.map((row, index) => {
          const last = changes.findLast((made) => made.index === index)
          return last ? { ...row, status: last.status, isThere: last.isThere } : row
        })
        await store(rows)
        const cursor = cursors[direction]
        const edge = cursor === undefined ? undefined : edges[direction]
        const isBack = edge !== undefined && direction === 'prev'
        const all = rows
          .filter((row) => row.isThere && (wanted?.includes(row.status) ?? true))
          .toSorted(order)
        const beyond = isBack
          ? all.filter((row) => edge && order(row, edge.row) < (edge.isInclusive ? 1 : 0))
          : all.filter((row) => !edge || order(row, edge.row) > (edge.isInclusive ? -1 : 0))
        const expected = isBack ? beyond.slice(-limit) : beyond.slice(0, limit)

        const search = new URLSearchParams(filter)
        search.set('sort', isDescending ? '-createdAt' : 'createdAt')
        search.set('limit', String(limit))
        search.set('fields', 'id,status,id')
        if (isCounted) {
          search.set('count', 'exact')
        }
        if (cursor !== undefined) {
          search.set('cursor', cursor)
        }
        const { status, json } = await api.call(
          'GET',
          `/api/v2/payment-links?${search.toString()}`,
          {
            as: tenant.secretKey,
          },
        )
        expect(status).to.equal(200)
        expect(json.data).to.deep.equal(expected.map(({ id, status: is }) => ({ id, status: is })))
        expect(json.page).to.include({ limit, hasMore: beyond.length > limit })
        expect(json.page.total).to.equal(isCounted ? all.length : undefined)
        const isThereNext = isBack || beyond.length > limit
        const isTherePrev = isBack ? beyond.length > limit : edge !== undefined
        expect(json.page.nextCursor !== undefined, 'next').to.equal(isThereNext)
        expect(json.page.prevCursor !== undefined, 'prev').to.equal(isTherePrev)
        cursors = { next: json.page.nextCursor, prev: json.page.prevCursor }
        const [first, last] = [expected.at(0), expected.at(-1)]
        // From a page that was emptied meanwhile a cursor leads back over the row that it began beside.
        const turned = edge && { row: edge.row, isInclusive: !edge.isInclusive }
        edges =
          first && last
            ? { prev: { row: first, isInclusive: false }, next: { row: last, isInclusive: false } }
            : { ...(turned && { [isBack ? 'next' : 'prev']: turned }) }
      }
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fresh, { minLength: rowCount, maxLength: rowCount }),
        fc.record({ isDescending: fc.boolean(), filter: fc.constantFrom(...filters) }),
        fc.array(step, { minLength: 3, maxLength: 10 }),
        walk,
      ),
      { numRuns: 30 },
    )
  }).timeout(30_000)
})
