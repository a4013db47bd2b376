import { expect } from 'chai'
import * as fc from 'fast-check'
import type { Position } from '#platform/resource/cursor'
import type { Page } from '#platform/resource/filled'
import { openFixture, store, type Fixture } from './fixture.ts'
import {
  idOf,
  keyOf,
  orderOf,
  places,
  readKey,
  rowsOf,
  shown,
  Specimen,
  specimens,
  stored,
  table,
  values,
  type Row,
  type Sort,
} from './specimens.ts'

const slots = fc.array(fc.option(values, { freq: 6 }), {
  minLength: places.length,
  maxLength: places.length,
})
const change = fc.record({ index: fc.nat(places.length - 1), to: fc.option(values, { freq: 3 }) })
const step = fc.record({
  direction: fc.constantFrom('next' as const, 'next' as const, 'prev' as const),
  limit: fc.integer({ min: 1, max: 6 }),
  changes: fc.array(change, { maxLength: 3 }),
})
type Slots = typeof slots extends fc.Arbitrary<infer Value> ? Value : never
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

const sorts = fc.constantFrom(...specimens.sorts)
const filters = fc.constantFrom(undefined, 'open', 'paid,draft')

describe('a walk by any order', () => {
  let fixture: Fixture

  before(async () => {
    fixture = await openFixture({ entities: [Specimen], resources: [specimens], tables: [table] })
  })
  after(() => fixture.lifecycle.stop())

  const changed = (held: Slots, changes: Step['changes']): Slots =>
    held.map((one, index) => {
      const last = changes.findLast((made) => made.index === index)
      return last ? last.to : one
    })
  const read = (sort: Sort, filter: string | undefined, limit: number, position?: Position) => {
    const search = new URLSearchParams({ sort: sort.name, limit: String(limit) })
    if (filter !== undefined) {
      search.set('status', filter)
    }
    return fixture.page(specimens, search.toString(), position && { position })
  }
  const keep = (held: Slots) => store(fixture, 'specimens', rowsOf(held).map(stored))

  /** Where the model goes on from, beside the position that the engine goes on from. */
  type Edge = { readonly row: Row; readonly position: Position }

  function edgeOf(
    page: Page,
    { direction, row }: { direction: 'next' | 'prev'; row: Row | undefined },
    cameFrom: Edge | undefined,
  ): Edge | undefined {
    const key = direction === 'next' ? page.lastKey : page.firstKey
    if (row && key) {
      return { row, position: { direction, key } }
    }
    return cameFrom && page.ids.length === 0 && cameFrom.position.direction !== direction
      ? {
          row: cameFrom.row,
          position: {
            direction,
            key: cameFrom.position.key,
            ...(!cameFrom.position.isInclusive && { isInclusive: true }),
          },
        }
      : undefined
  }

  it('gives what a sorted array would, whatever appears, vanishes and moves on the way', async () => {
    const walk = async (
      start: Slots,
      { sort, filter }: { sort: Sort; filter: string | undefined },
      steps: readonly Step[],
    ): Promise<void> => {
      const order = orderOf(sort)
      let held = start
      let edges: { next?: Edge | undefined; prev?: Edge | undefined } = {}
      for (const { direction, limit, changes } of steps) {
        held = changed(held, changes)
        await keep(held)
        const edge = edges[direction]
        const isBack = edge !== undefined && direction === 'prev'
        const all = rowsOf(held)
          .filter(({ status }) => filter?.split(',').includes(status) ?? true)
          .toSorted(order)
        const beyond = all.filter((row) => {
          const side = edge ? order(row, edge.row) * (isBack ? -1 : 1) : 1
          return side > 0 || (side === 0 && edge?.position.isInclusive === true)
        })
        const rows = isBack ? beyond.slice(-limit) : beyond.slice(0, limit)
        const seen = isBack ? beyond.slice(-limit - 1) : beyond.slice(0, limit + 1)
        const page = await read(sort, filter, limit, edge?.position)

        expect(JSON.parse(page.body)).to.deep.equal(rows.map(shown))
        const { hasMore, ids, references, membership, validUntil } = page
        expect({ hasMore, ids, references, validUntil }).to.deep.equal({
          hasMore: beyond.length > limit,
          ids: seen.map(idOf),
          references: {},
          validUntil: undefined,
        })
        const wanted = filter?.split(',').toSorted()
        expect(membership).to.deep.equal(
          wanted ? { status: wanted.length > 1 ? wanted : wanted[0] } : {},
        )
        const [first, last] = [rows.at(0), rows.at(-1)]
        const isFull = rows.length === limit
        expect(readKey(sort, page.firstKey)).to.deep.equal(
          keyOf(sort, isBack && !isFull ? undefined : first),
        )
        expect(readKey(sort, page.lastKey)).to.deep.equal(
          keyOf(sort, isBack || isFull ? last : undefined),
        )
        edges = {
          next: edgeOf(page, { direction: 'next', row: last }, edge),
          prev: edgeOf(page, { direction: 'prev', row: first }, edge),
        }
      }
    }
    await fc.assert(
      fc.asyncProperty(
        slots,
        fc.record({ sort: sorts, filter: filters }),
        fc.array(step, { minLength: 2, maxLength: 8 }),
        walk,
      ),
      { numRuns: 300 },
    )
  }).timeout(60_000)

  for (const direction of ['next', 'prev'] as const) {
    it(`visits a row that stays where it is exactly once, going ${direction}`, async () => {
      const walk = async (
        start: Slots,
        sort: Sort,
        steps: readonly Step[],
        restless: readonly boolean[],
      ): Promise<void> => {
        const quiet = rowsOf(start.map((one, index) => (restless[index] ? null : one)))
        await keep(start)
        const ends = rowsOf(start).toSorted(orderOf(sort))
        const whole = await read(sort, undefined, 20)
        let held = start
        // Back from behind the last row: the cursor of an empty page.
        const last =
          ends.length > 0 ? (await read(sort, undefined, ends.length)).lastKey : undefined
        let position: Position | undefined =
          direction === 'prev' && last ? { direction, key: last, isInclusive: true } : undefined
        const visited: string[] = []
        for (let turn = 0; turn < 40; turn += 1) {
          const { limit, changes } = steps[turn] ?? { limit: 2, changes: [] }
          const page: Page = await read(sort, undefined, limit, position)
          const rows: Row[] = JSON.parse(page.body)
          visited.push(...rows.map(idOf))
          const key = direction === 'next' ? page.lastKey : page.firstKey
          if (!page.hasMore || !key) {
            break
          }
          position = { direction, key }
          held = changed(
            held,
            changes.filter(({ index }) => restless[index]),
          )
          await keep(held)
        }
        const ids = quiet.map(idOf)
        const isQuiet = visited.filter((id) => ids.includes(id))
        expect(JSON.parse(whole.body)).to.have.length(ends.length)
        if (direction === 'next' || last) {
          expect(isQuiet.toSorted()).to.deep.equal(ids.toSorted())
        }
      }
      await fc.assert(
        fc.asyncProperty(
          slots,
          sorts,
          fc.array(step, { maxLength: 8 }),
          fc.array(fc.boolean(), { minLength: places.length, maxLength: places.length }),
          walk,
        ),
        { numRuns: 100 },
      )
    }).timeout(60_000)
  }
})
