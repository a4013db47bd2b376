import { expect } from 'chai'
import { z } from 'zod'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import type { Answer } from '../../support/api.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import { propertyOf, tableOf } from '../../support/resource-model.ts'
import {
  keyOf,
  openWorld,
  pathOf,
  searchOf,
  type Item,
  type World,
} from '../../support/resource-world.ts'

// What is shown of an item is what was asked for, the columns that are read are those that are needed, and whatever is
// asked costs one statement.

describe('the items of every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld('none')
  })
  after(() => world.business.lifecycle.stop())

  const get = (path: string): Promise<Answer> =>
    world.api.call('GET', path, { as: world.ours.secretKey })

  /** An answer that is good, and cost one statement beside the look-up of its credential. */
  async function inOneStatement(path: string): Promise<{ json: Item; text: string }> {
    const { sent } = world.statements
    sent.length = 0
    const { status, text, json } = await get(path)
    expect(status, `${path}: ${text}`).to.equal(200)
    const reads = sent.filter((one) => !one.text.includes('from api_keys k'))
    expect(
      reads.map((one) => one.text),
      path,
    ).to.have.length(1)
    return { json, text: reads[0]?.text ?? '' }
  }

  for (const resource of resources) {
    const place = placeOf(resource)
    const list = (more: Readonly<Record<string, string | number>>) =>
      `${pathOf(world, resource)}?${searchOf(resource, more)}`

    it(`${place}: one statement, counted, paged, by number and one by one`, async () => {
      const { json } = await inOneStatement(list({ limit: 1 }))
      await inOneStatement(list({ limit: 2, count: 'exact' }))
      await inOneStatement(list({ limit: 2, count: 'estimated' }))
      if (json['page'].nextCursor !== undefined) {
        await inOneStatement(list({ limit: 1, cursor: json['page'].nextCursor }))
      }
      if (resource.operations === 'list-and-detail') {
        const key = keyOf(world, resource, json['data'][0])
        await inOneStatement(`${pathOf(world, resource)}/${key}`)
      }
      if (resource.legacyPath !== undefined) {
        await inOneStatement(`/api/${resource.legacyPath}?page=2&limit=1`)
      }
    })

    it(`${place}: exactly the fields that are asked for, from exactly their columns`, async () => {
      const names = Object.keys(resource.fields)
      const whole = (await inOneStatement(list({ limit: 5 }))).json['data']
      for (const index of names.keys()) {
        const asked = [0, 1, 2].map((step) => names[(index + step) % names.length] ?? '')
        const fields = asked.join(',')
        const { json, text } = await inOneStatement(list({ limit: 5, fields }))
        expect(json['data']).to.deep.equal(whole.map((item: Item) => pick(item, asked)))
        expect(columnsIn(text), fields).to.have.all.members(columnsFor(world, resource, asked))
      }
      if (resource.operations === 'list-and-detail') {
        const [name = ''] = names
        const path = `${pathOf(world, resource)}/${keyOf(world, resource, whole[0])}?fields=${name}`
        expect((await inOneStatement(path)).json['data']).to.deep.equal(pick(whole[0], [name]))
      }
    })

    if (Object.keys(resource.expand).length > 0) {
      it(`${place}: each expansion, two of them, and one in another: one statement, as declared`, async () => {
        for (const paths of wishesOf(resource)) {
          const expanded = paths.join(',')
          const { json } = await inOneStatement(list({ limit: 10, expand: expanded }))
          z.array(schemaOf(resource, paths)).parse(json['data'])
          if (resource.operations === 'list-and-detail') {
            const [item] = json['data']
            const path = `${pathOf(world, resource)}/${keyOf(world, resource, item)}?expand=${expanded}`
            expect((await inOneStatement(path)).json['data']).to.deep.equal(item)
          }
        }
      })

      it(`${place}: what is expanded is what its own list or detail shows`, async () => {
        const [key = ''] = Object.keys(resource.fields)
        for (const [name, expansion] of Object.entries(resource.expand)) {
          const child = expansion.resource()
          const { data } = (await inOneStatement(list({ limit: 20, expand: name }))).json
          const links = Object.entries(resource.fields)
          const link = links.find(
            ([, { columns }]) => expansion.kind === 'one' && columns[0] === expansion.column,
          )?.[0]
          for (const item of data.slice(0, 6)) {
            const below = `${pathOf(world, resource)}/${keyOf(world, resource, item)}/${child.name}`
            const id = item[link ?? '']
            const path =
              expansion.kind === 'many'
                ? `${below}?limit=${expansion.limit}`
                : `/api/v2/${child.name}/${id}`
            const { json } = id === null ? { json: { data: null } } : await get(path)
            const own = expansion.kind === 'many' ? withoutPage(json) : json.data
            expect(item[name], path).to.deep.equal(own)
          }
          expect(
            data.some((item: Item) => isFilled(item[name])),
            `add what ${place} expands as ${name} to the world`,
          ).to.equal(true)
          const [field = ''] = Object.keys(child.fields)
          const fields = `${key},${name}.${field}`
          const part = (await inOneStatement(list({ limit: 20, expand: name, fields }))).json[
            'data'
          ]
          expect(part).to.deep.equal(
            data.map((item: Item) => ({ [key]: item[key], [name]: pickIn(item[name], [field]) })),
          )
        }
      })
    }
  }
})

/** Every expansion, every two of them, and every one that lies in another. */
function wishesOf(resource: Resource): readonly (readonly string[])[] {
  const names = Object.keys(resource.expand)
  const pairs = names.flatMap((one, index) => names.slice(index + 1).map((other) => [one, other]))
  const nested = names.flatMap((name) =>
    Object.keys(resource.expand[name]?.resource().expand ?? {}).map((inner) => [
      `${name}.${inner}`,
    ]),
  )
  return [...names.map((name) => [name]), ...pairs, ...nested, names]
}

/** The shape of an item with what is expanded in it. */
function schemaOf(resource: Resource, paths: readonly string[]): z.ZodType {
  const below = Map.groupBy(paths, (path) => path.split('.')[0] ?? '')
  const expanded = [...below].map(([name, inside]) => {
    const expansion = resource.expand[name]
    const inner = inside
      .filter((path) => path.includes('.'))
      .map((path) => path.replace(/^[^.]*\./, ''))
    const item = schemaOf(expansion?.resource() ?? resource, inner)
    const page = z.strictObject({ data: z.array(item), hasMore: z.boolean() })
    return [name, expansion?.kind === 'many' ? page : item.nullable()]
  })
  return resource.item.extend(Object.fromEntries(expanded)).strict()
}

/** The columns of the list's own table that a statement names. */
function columnsIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/"t"\."(\w+)"/g)].map(([, name = '']) => name))]
}

/** The columns that these fields need, and those that a list needs whatever its fields. */
function columnsFor({ business }: World, resource: Resource, fields: readonly string[]): string[] {
  const { visibility, parent, removedAt, only, boundary, search, sorts } = resource
  const { primaryKey, column } = tableOf(business.db, resource)
  const filtered = Object.keys(fixtureOf(resource).needs ?? {}).map((name) =>
    propertyOf(resource, name),
  )
  const sorted = sorts[0].keys.map(({ field }) => propertyOf(resource, field))
  const all = [
    ...fields.flatMap((name) => resource.fields[name]?.columns ?? []),
    ...primaryKey,
    ...sorted.filter((name) => name !== 'relevance'),
    ...filtered.filter((name) => name !== 'q'),
    ...(visibility === 'public' ? [] : [visibility.organisation]),
    parent?.column,
    removedAt,
    boundary.from,
    boundary.until,
    search?.vector,
    search?.similar,
    ...Object.keys(only),
  ]
  const columns = all.filter((name) => name !== undefined).map(column)
  return [...new Set([...columns, ...(search ? ['relevance'] : [])])]
}

const pick = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)))

/** The same of what is expanded: one item, a list of them, or nothing. */
function pickIn(value: any, names: readonly string[]): unknown {
  return Array.isArray(value?.data)
    ? { ...value, data: value.data.map((item: Item) => pick(item, names)) }
    : value && pick(value, names)
}

const withoutPage = ({ data, page }: Item): unknown => ({ data, hasMore: page?.hasMore })
const isFilled = (value: any): boolean => value !== null && value?.data?.length !== 0
