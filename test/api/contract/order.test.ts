import { expect } from 'chai'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import type { StoredRow } from '../../support/resource-model.ts'
import {
  expectedKeys,
  expectedRows,
  keyOf,
  keyOfRow,
  openWorld,
  readList,
  walk,
  type World,
} from '../../support/resource-world.ts'
import { addCopy, moveRow, removeRows } from '../../support/resource-writes.ts'

// Every list has one order, and a walk shows each row of it once, in both directions, whatever happens on the way.

describe('the order of every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.business.lifecycle.stop())

  async function keysOn(resource: Resource, how: Parameters<typeof walk>[2]) {
    const pages = await walk(world, resource, how)
    return pages.map(({ data }) => data.map((item) => keyOf(world, resource, item)))
  }

  for (const resource of resources) {
    for (const { name: sort } of resource.sorts) {
      describe(`${placeOf(resource)} by ${sort}`, () => {
        it('is the one that a sorted array has, whatever the size of the pages', async () => {
          const expected = await expectedKeys(world, resource, { sort })
          expect(expected.length).to.be.greaterThan(fixtureOf(resource).another ? 4 : 0)
          const walks = await Promise.all(
            [[resource.page.limitMax], [3], [1], [1, 4, 2, 7]].map((limits) =>
              keysOn(resource, { search: { sort }, limits }),
            ),
          )
          for (const pages of walks) {
            expect(pages.flat()).to.deep.equal(expected)
          }
        })

        it('is the same on the way back, down to the start', async () => {
          const search = { sort }
          const there = await walk(world, resource, { search, limits: [3, 2] })
          const cursor = there.at(-1)?.page['prevCursor']
          expect(there[0]?.page['prevCursor']).to.equal(undefined)
          if (there.length === 1) {
            return
          }
          const back = await walk(world, resource, {
            search,
            limits: [2, 1, 5],
            direction: 'prev',
            cursor,
          })
          const whole = [...back.toReversed(), ...there.slice(-1)].flatMap(({ data }) => data)
          expect(whole).to.deep.equal(there.flatMap(({ data }) => data))
          expect(back.map(({ page }) => page['hasMore'])).to.deep.equal(
            back.map((_, index) => index < back.length - 1),
          )
          const again = await walk(world, resource, {
            search,
            limits: [3],
            cursor: back.at(-1)?.page['nextCursor'],
          })
          const first = back.at(-1)?.data ?? []
          expect([...first, ...again.flatMap(({ data }) => data)]).to.deep.equal(whole)
        })

        if (fixtureOf(resource).another) {
          it('shows a row that stays where it is exactly once while others come, move and go', async () => {
            const search = { sort }
            const residents = await expectedKeys(world, resource, { sort })
            const size = Math.ceil(residents.length / 12)
            const guests = await openHouse(world, resource)
            const there = await walk(world, resource, {
              search,
              limits: [size + 1, size],
              meanwhile: guests.meanwhile,
            })
            const cursor = there.at(-1)?.page['prevCursor']
            const back = await walk(world, resource, {
              search,
              limits: [size, size + 1],
              direction: 'prev',
              cursor,
              meanwhile: guests.meanwhile,
            })
            const onTheWay = there.flatMap(({ data }) =>
              data.map((item) => keyOf(world, resource, item)),
            )
            const last = there.at(-1)?.data ?? []
            const home = [...back.toReversed().flatMap(({ data }) => data), ...last].map((item) =>
              keyOf(world, resource, item),
            )
            await guests.leave()
            for (const seen of [onTheWay, home]) {
              expect(seen.filter((key) => residents.includes(key))).to.deep.equal(residents)
              const still = seen.filter((key) => !guests.moved.has(key))
              expect(new Set(still).size).to.equal(still.length)
            }
            expect(await expectedKeys(world, resource, { sort })).to.deep.equal(residents)
          })
        }
      })
    }

    it(`counts what a walk through ${placeOf(resource)} visits`, async () => {
      const { json } = await readList(world, resource, { count: 'exact', limit: 1 })
      const pages = await keysOn(resource, { limits: [resource.page.limitMax] })
      expect(json.page.total).to.equal(pages.flat().length)
      const huge = await readList(world, resource, { limit: '1000000000' })
      expect(huge.json.page.limit).to.equal(resource.page.limitMax)
      const plain = await readList(world, resource)
      expect(plain.json.page).to.include({ limit: resource.page.limitDefault })
      expect(plain.json.page).to.not.have.property('total')
    })
  }
})

/** Copies of a list's rows, of which one comes, one moves or one goes each time that somebody turns a page. */
async function openHouse(world: World, resource: Resource) {
  const { business } = world
  const residents = await expectedRows(world, resource)
  const moved = new Set<string>()
  let here: StoredRow[] = []
  const all: StoredRow[] = []
  let turn = 0
  const come = async (): Promise<void> => {
    const n = world.next(resource)
    const row = residents[(n * 7) % residents.length]
    const copy = row && (await addCopy(business, resource, { row, n }))
    if (copy) {
      here = [...here, copy]
      all.push(copy)
    }
  }
  const move = async (): Promise<void> => {
    const [row] = here
    const n = world.next(resource)
    const to = residents[(n * 11) % residents.length]
    if (row && to) {
      here = [...here.slice(1), row]
      moved.add(keyOfRow(world, resource, row))
      await moveRow(business, resource, { row, to, n })
    }
  }
  const go = async (): Promise<void> => {
    const [row] = here
    if (row) {
      here = here.slice(1)
      await removeRows(business, resource, [row])
    }
  }
  for (let guest = 0; guest < 4; guest += 1) {
    await come()
  }
  const steps = [come, move, go, move, come, go]
  return {
    moved,
    meanwhile: () => steps[(turn += 1) % steps.length]?.() ?? Promise.resolve(),
    leave: () => removeRows(business, resource, all),
  }
}
