import { expect } from 'chai'
import type { Position } from '#platform/resource/cursor'
import type { Page } from '#platform/resource/filled'
import { filterParameters } from '#platform/resource/filters'
import type { Resource } from '#platform/resource/define-resource'
import { parseListQuery } from '#platform/resource/list-query'
import { resources } from '../../../api/resources.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import { propertyOf, tableOf, type StoredRow } from '../../support/resource-model.ts'
import { expectedRows, openWorld, searchOf, type World } from '../../support/resource-world.ts'

// What a cache needs to know of an answer stands beside its body, whatever fields the body shows.

describe('what is known beside the body of every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.business.lifecycle.stop())

  function read(
    resource: Resource,
    more: Readonly<Record<string, string | number>>,
    position?: Position,
  ): Promise<Page> {
    const { ours, api, business } = world
    const parentId = ours.parents[resource.parent?.resource().name ?? '']
    const scope = { organisationId: ours.organisationId }
    const listing = { resource, scope, ...(parentId !== undefined && { parentId }) }
    const query = parseListQuery(listing, searchOf(resource, more), api.slice.cursorKeys)
    const from = { ...query, ...(position && { position }) }
    return api.slice.reader.page(listing, from).run(business.db)
  }
  const textOf = (resource: Resource, row: StoredRow, property: string): string | null => {
    const column =
      property === 'relevance' ? property : tableOf(world.business.db, resource).column(property)
    return row[column] === null ? null : String(row[column])
  }
  const valuesOf = (
    resource: Resource,
    row: StoredRow | undefined,
    properties: readonly string[],
  ) => properties.map((property) => (row ? textOf(resource, row, property) : null))

  for (const resource of resources) {
    const names = Object.keys(resource.fields)
    const sortedBy = resource.sorts[0].keys.map(({ field }) => field)
    const one = names.find((name) => !sortedBy.includes(name)) ?? names[0] ?? ''

    it(`${placeOf(resource)}: keys of the rows, the one beyond the page too, and of both ends`, async () => {
      const { primaryKey } = tableOf(world.business.db, resource)
      for (const { name: sort, keys } of resource.sorts) {
        const rows = await expectedRows(world, resource, { sort })
        const limit = Math.min(3, rows.length)
        const page = await read(resource, { sort, limit, fields: one })
        expect(page.ids).to.deep.equal(
          rows.slice(0, limit + 1).map((row) => valuesOf(resource, row, primaryKey).join(':')),
        )
        const sorted = keys.map(({ field }) => propertyOf(resource, field))
        const whole = [...sorted, ...primaryKey.filter((property) => !sorted.includes(property))]
        const ends = [rows[0], rows[limit - 1]].map((row) => valuesOf(resource, row, whole))
        expect(normal(page.firstKey)).to.deep.equal(normal(ends[0]))
        expect(normal(page.lastKey)).to.deep.equal(normal(ends[1]))
      }
    })

    it(`${placeOf(resource)}: the values of its equality filters`, async () => {
      const [row] = await expectedRows(world, resource)
      const equal = [...filterParameters(resource)].flatMap(([name, { field, kind }]) => {
        const value = row && textOf(resource, row, propertyOf(resource, field))
        return (kind === 'equals' || kind === 'oneOf') && typeof value === 'string'
          ? [{ name, field, value }]
          : []
      })
      const asked = Object.fromEntries(equal.map(({ name, value }) => [name, value]))
      const page = await read(resource, { ...asked, limit: 2, fields: one })
      const told = Object.entries(page.membership).map(([field, value]) => [field, String(value)])
      expect(Object.fromEntries(told)).to.deep.equal(
        Object.fromEntries(equal.map(({ field, value }) => [field, value])),
      )
    })

    it(`${placeOf(resource)}: the same whatever fields are shown, and what its expansions name`, async () => {
      const rows = (await expectedRows(world, resource)).slice(0, 5)
      const expand = Object.keys(resource.expand).join(',')
      const wishes = [{}, ...(expand === '' ? [] : [{ expand }])]
      for (const wish of wishes) {
        const [whole, part] = await Promise.all([
          read(resource, { ...wish, limit: 4, count: 'exact' }),
          read(resource, { ...wish, limit: 4, count: 'exact', fields: one }),
        ])
        expect(known(part)).to.deep.equal(known(whole))
        expect(part.body.length).to.be.lessThan(whole.body.length + (names.length === 1 ? 1 : 0))
        for (const [name, expansion] of Object.entries(resource.expand)) {
          const wanted =
            expansion.kind === 'one' && 'expand' in wish
              ? new Set(rows.map((row) => textOf(resource, row, expansion.column)))
              : undefined
          wanted?.delete(null)
          expect(whole.references[name] && new Set(whole.references[name])).to.deep.equal(wanted)
        }
        const { from, until } = resource.boundary
        if (from !== undefined || until !== undefined) {
          expect(Date.parse(part.validUntil ?? '')).to.be.greaterThan(Date.now())
        } else if (!('expand' in wish)) {
          expect(part.validUntil).to.equal(undefined)
        }
      }
    })

    if (fixtureOf(resource).another) {
      it(`${placeOf(resource)}: the same beside a page on the way back`, async () => {
        const wish = { limit: 2, fields: one }
        const first = await read(resource, wish)
        const next = { direction: 'next', key: first.lastKey ?? [] } as const
        const second = await read(resource, wish, next)
        const prev = { direction: 'prev', key: second.firstKey ?? [] } as const
        const back = await read(resource, wish, prev)
        expect(back.body).to.equal(first.body)
        expect(back.ids).to.deep.equal(first.ids.slice(0, 2))
        expect([back.firstKey, back.lastKey]).to.deep.equal([first.firstKey, first.lastKey])
      })
    }
  }
})

/** Everything but the body, and the stamp, which moves with what other databases of the server do. */
const known = (page: Page): unknown => ({ ...page, body: undefined, stamp: undefined })

/** A rank is a number of six decimals; JavaScript leaves away the zeros at its end. */
function normal(key: readonly (string | null)[] | undefined): unknown {
  return key?.map((text) => (text !== null && /^\d+\.\d+$/.test(text) ? Number(text) : text))
}
