import { expect } from 'chai'
import type { z } from 'zod'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters, type FilterParameter } from '#platform/resource/filters'
import { resources } from '../../../api/resources.ts'
import type { Answer } from '../../support/api.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import { propertyOf, tableOf, type StoredRow } from '../../support/resource-model.ts'
import {
  expectedKeys,
  expectedRows,
  keyOf,
  openWorld,
  readList,
  type Item,
  type World,
} from '../../support/resource-world.ts'

// Every filter gives the rows with its values, all of them and no others; what it cannot be is refused by its name.

describe('the filters of every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.business.lifecycle.stop())

  /** The keys that the API gives and those that it should, for the same parameters. */
  async function both(resource: Resource, parameters: Readonly<Record<string, string>>) {
    const [answer, expected] = await Promise.all([
      readList(world, resource, { ...parameters, limit: resource.page.limitMax }),
      expectedKeys(world, resource, { parameters }),
    ])
    expect(answer.status, `${JSON.stringify(parameters)} ${answer.text}`).to.equal(200)
    const given = answer.json.data.map((item: Item) => keyOf(world, resource, item))
    return { given, expected }
  }

  const valuesOf = (resource: Resource, { field }: FilterParameter, rows: readonly StoredRow[]) => {
    const { column } = tableOf(world.business.db, resource)
    const values = rows.map((row) => row[column(propertyOf(resource, field))])
    return [...new Set(values.filter((value) => value !== null).map(String))]
  }

  for (const resource of resources) {
    const parameters = [...filterParameters(resource)].filter(([, { kind }]) => kind !== 'search')

    for (const [name, filter] of parameters) {
      it(`${placeOf(resource)}: ${name} gives the rows with its values and no others`, async () => {
        const all = await expectedRows(world, resource)
        const chosen = samples[filter.kind](valuesOf(resource, filter, all))
        const found = await Promise.all(chosen.map((value) => both(resource, { [name]: value })))
        for (const { given, expected } of found) {
          expect(given).to.deep.equal(expected)
        }
        if (!resource.filtersRequired.includes(name)) {
          const sizes = found.map(({ given }) => given.length)
          expect(Math.min(...sizes), 'nothing is left out').to.be.lessThan(all.length)
          expect(Math.max(...sizes), 'nothing is found').to.be.greaterThan(0)
        }
      })

      it(`${placeOf(resource)}: ${name} refuses what it cannot be`, async () => {
        const { field, kind } = filter
        const type = tableOf(world.business.db, resource).typeOf(propertyOf(resource, field))
        const bad = badValues(type, resource.fields[field]?.schema)
        const answers = await Promise.all(
          bad.map((value) => readList(world, resource, { [name]: value })),
        )
        for (const [index, answer] of answers.entries()) {
          expectRefusal(answer, name, bad[index]?.slice(0, 80))
        }
        const [good = ''] = valuesOf(resource, filter, await expectedRows(world, resource))
        const twice = `${name}=${encodeURIComponent(good)}&${name}=${encodeURIComponent(good)}`
        const needs = fixtureOf(resource).needs ?? {}
        const others = new URLSearchParams(Object.entries(needs).filter(([one]) => one !== name))
        const path = `${pathTo(resource)}?${others.toString()}&${twice}`
        expectRefusal(await world.api.call('GET', path, { as: world.ours.secretKey }), name, twice)
        if (kind === 'oneOf') {
          const many = Array.from({ length: 101 }, () => good).join(',')
          expectRefusal(await readList(world, resource, { [name]: many }), name, 'many')
        }
      })
    }

    if (parameters.length > 1) {
      it(`${placeOf(resource)}: filters together give what each of them gives`, async () => {
        const rows = await expectedRows(world, resource)
        for (const row of [rows.at(0), rows.at(-1), rows.at(rows.length / 2)]) {
          const wanted = parameters.flatMap(([name, filter]) => {
            const [value] = valuesOf(resource, filter, row ? [row] : [])
            return value === undefined || filter.kind === 'before' ? [] : [[name, value] as const]
          })
          const { given, expected } = await both(resource, Object.fromEntries(wanted))
          expect(given).to.deep.equal(expected)
          expect(given.length).to.be.greaterThan(0)
          for (const [one, another] of pairsOf(wanted)) {
            const pair = await both(resource, Object.fromEntries([one, another]))
            expect(pair.given).to.deep.equal(pair.expected)
          }
        }
      })
    }

    it(`${placeOf(resource)}: nothing found is an empty list, counted as 0`, async () => {
      const free = parameters.filter(([name]) => name in nothing(resource, name))
      for (const [name] of free) {
        const { status, json } = await readList(world, resource, {
          ...nothing(resource, name),
          count: 'exact',
        })
        expect([status, json.data, json.page.total], name).to.deep.equal([200, [], 0])
        expect(json.page).to.deep.equal({ limit: json.page.limit, hasMore: false, total: 0 })
      }
    })
  }

  const pathTo = (resource: Resource): string => {
    const parent = world.ours.parents[resource.parent?.resource().name ?? ''] ?? ''
    return `/api/v2/${placeOf(resource).replace(':id', parent)}`
  }

  /** A good value that no row has. */
  function nothing(resource: Resource, name: string): Readonly<Record<string, string>> {
    const { field = '' } = filterParameters(resource).get(name) ?? {}
    const type = tableOf(world.business.db, resource).typeOf(propertyOf(resource, field))
    if (type === 'uuid') {
      return { [name]: crypto.randomUUID() }
    }
    if (type.startsWith('timestamp')) {
      return { [name]: name.endsWith('From') ? '9999-12-31T23:59:59Z' : '0001-01-01T00:00:00Z' }
    }
    if (type === 'smallint' || type === 'integer') {
      return { [name]: '32767' }
    }
    const isOpen = resource.fields[field]?.parameter?.safeParse('~').success
    return isOpen ? { [name]: '~' } : {}
  }
})

/** Values of a column that tell rows of the list apart, as they stand in the URL. */
const samples: Readonly<
  Record<FilterParameter['kind'], (values: readonly string[]) => readonly string[]>
> = {
  equals: edges,
  oneOf: (values) => [...edges(values), edges(values).join(','), values.slice(0, 100).join(',')],
  from: (values) => [...edges(values), edges(values)[1].replace(/\.\d+/, '')],
  before: (values) => [...edges(values), edges(values)[1].replace(/\.\d+/, '')],
  prefix: (values) => [...edges(values), ...edges(values).map((value) => value.slice(0, 3))],
  search: edges,
}

function edges(values: readonly string[]): readonly [string, string, string] {
  const [first = ''] = values
  return [first, values[Math.floor(values.length / 2)] ?? first, values.at(-1) ?? first]
}

const alwaysBad = ['', '\0', 'a\0b', 'x'.repeat(10_000)]
// Of the year 0, of zones that far away and of so many digits PostgreSQL reads no instant.
const badInstants =
  `2026-01-01T00:00:00 2026-01-01 yesterday now infinity epoch 1767225600 2026-02-30T00:00:00Z
  2026-01-01T24:00:00Z 2026-01-01T00:00:60Z 2026-1-1T00:00:00Z +275760-09-13T00:00:00Z
  -000001-01-01T00:00:00Z 2026-01-01T00:00:00+99:99 2026-01-01T00:00:00+23:00
  0000-01-01T00:00:00Z`.split(/\s+/)
const badIntegers =
  'abc 1.5 1e3 0x10 +1 ٣ NaN - -- 9999999999 -9999999999 9223372036854775808'.split(' ')

/** What no value of this type looks like. */
function badValues(type: string, schema: z.ZodType | undefined): readonly string[] {
  if (type === 'uuid') {
    const id = crypto.randomUUID()
    return [...alwaysBad, 'abc', '1', id.slice(1), `{${id}}`, id.replaceAll('-', '')]
  }
  if (type.startsWith('timestamp')) {
    return [...alwaysBad, ...badInstants, `2026-01-01T00:00:00.${'1'.repeat(150)}Z`]
  }
  if (type === 'smallint' || type === 'integer') {
    const max = type === 'smallint' ? 32_767 : 2_147_483_647
    return [...alwaysBad, ...badIntegers, ' 1', `${max + 1}`, `${-max - 2}`]
  }
  const isClosed = schema?.safeParse('nope').success === false
  return isClosed ? [...alwaysBad, 'nope', 'OPEN', '1', ' '] : alwaysBad
}

function expectRefusal({ status, json, text }: Answer, name: string, what = ''): void {
  expect([status, json.errors?.[0]?.pointer], `${name}=${what}: ${text}`).to.deep.equal([
    400,
    `#/query/${name}`,
  ])
}

function pairsOf<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((one, index) =>
    items.slice(index + 1).map((another) => [one, another] as const),
  )
}
