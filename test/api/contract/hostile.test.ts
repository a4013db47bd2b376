import { expect } from 'chai'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters } from '#platform/resource/filters'
import { resources } from '../../../api/resources.ts'
import type { Answer } from '../../support/api.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import { tableOf } from '../../support/resource-model.ts'
import { openWorld, pathOf, readList, searchOf, type World } from '../../support/resource-world.ts'

// Whatever stands in a query string, the answer is a page or a problem that names the parameter; never a fault of ours.
// What every single parameter is sent is in bad-queries.test.ts.

const statements = [
  "'; drop table payment_links; --",
  "1' or '1'='1",
  'created_at) desc; select pg_sleep(9)',
  '"id" desc nulls last',
  '-id,(select 1)',
  '$1',
  '\\',
  "\\'; select 1; --",
  '%',
  '?',
  ':a',
  '/*',
  '{"$ne":null}',
  '__proto__',
  'constructor',
  'toString',
]

describe('hostile queries to every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.business.lifecycle.stop())
  afterEach(() => {
    expect(world.errors).to.deep.equal([])
  })

  const get = (path: string, as = world.ours.secretKey): Promise<Answer> =>
    world.api.call('GET', path, { as })
  /** Sends a query string as it is, beside what the list needs. */
  const raw = (resource: Resource, search: string): Promise<Answer> =>
    get(`${pathOf(world, resource)}?${needsBeside(resource, search)}`)

  /** The needs that the query string does not speak of itself. */
  function needsBeside(resource: Resource, search: string): string {
    const said = new Set(new URLSearchParams(search).keys())
    const needs = Object.entries(fixtureOf(resource).needs ?? {}).filter(
      ([name]) => !said.has(name),
    )
    return [new URLSearchParams(needs).toString(), search].filter(Boolean).join('&')
  }

  async function refusesAll(resource: Resource, searches: readonly string[]): Promise<void> {
    const answers = await Promise.all(searches.map((search) => raw(resource, search)))
    for (const [index, answer] of answers.entries()) {
      const search = searches[index] ?? ''
      const [name = ''] = new URLSearchParams(search).keys()
      expectProblem(answer, search)
      expect(
        answer.json.errors.map(({ pointer }: { pointer: string }) => pointer),
        `${search.slice(0, 80)}: ${answer.text}`,
      ).to.include(`#/query/${name.slice(0, 60)}`)
      expect(answer.text.length, 'the answer echoes what it was sent').to.be.lessThan(8_000)
    }
  }

  for (const resource of resources) {
    const place = placeOf(resource)
    const filters = [...filterParameters(resource).keys()]

    it(`${place}: what it does not know is refused by its name`, async () => {
      await refusesAll(resource, [
        'limit=0',
        'limit=-1',
        'limit=1.5',
        'limit=abc',
        'limit=',
        'limit=1e3',
        'limit=0x1',
        'limit[]=1',
        'limit=1&limit=2',
        'limit=%2B1',
        'limit=٣',
        `limit=${'9'.repeat(5e3)}`,
        'nope=1',
        '=1',
        'a%00=b',
        '__proto__=1',
        'constructor=1',
        'page=1',
        'offset=1',
        'sort=nope',
        'sort=',
        'sort=id,id',
        `sort=${'a,'.repeat(3e3)}a`,
        'sort=%00',
        'count=all',
        'count=',
        'count=exact,exact',
        'fields=',
        'fields=nope',
        'fields=id,,id',
        'expand=',
        'expand=nope',
        'expand=%00',
        'fields=%00',
        'expand=.',
        'fields=.',
        'fields=*',
        'cursor=',
        'cursor=x',
        'cursor=%00',
        `cursor=${'A'.repeat(5e3)}`,
        `${'x'.repeat(5e3)}=1`,
        'LIMIT=1',
        'organisationId=x',
        'select=*',
      ])
    })

    it(`${place}: 200 fields, cyclic and deep expansions are refused or shown once`, async () => {
      const [first = ''] = Object.keys(resource.fields)
      const [name = 'parent'] = Object.keys(resource.expand)
      await refusesAll(resource, [
        `fields=${Array(200).fill(first).join(',')}`,
        `fields=${Array.from({ length: 200 }, (_, index) => `f${index}`).join(',')}`,
        `expand=${Array(200).fill(name).join(',')}`,
        `expand=${Array(50).fill(name).join('.')}`,
        `expand=${name}.${name}.${name}.${name}`,
        `expand=${name}.nope`,
        `expand=nope.${name}`,
        `expand=${name}..${name}`,
        `fields=${first}.${first}`,
        `fields=${name}.${first}.${first}`,
      ])
      const twice = await raw(resource, `fields=${Array(100).fill(first).join(',')}`)
      const once = await raw(resource, `fields=${first}`)
      expect(twice.json.data).to.deep.equal(once.json.data)
      for (const path of cyclesOf(resource)) {
        const { status, json } = await raw(resource, `expand=${path}&limit=2`)
        expect([200, 400, 403], path).to.include(status)
        if (status === 400) {
          expect(json.errors[0].pointer).to.equal('#/query/expand')
        }
      }
    })

    it(`${place}: what is not public is neither shown, sorted nor filtered by`, async () => {
      const { column } = tableOf(world.business.db, resource)
      const open = new Set([
        ...Object.keys(resource.fields),
        ...Object.keys(resource.expand),
        ...filters,
      ])
      const meta = world.business.db.orm.getMetadata().get(resource.entity)
      const closed = Object.keys(meta.properties).flatMap((name) => [name, column(name)])
      const hidden = closed.filter((name) => name !== '' && !open.has(name))
      const sorts = new Set(resource.sorts.map((sort) => sort.name))
      const unsorted = [...Object.keys(resource.fields), ...hidden].flatMap((one) => [
        one,
        `-${one}`,
      ])
      expect(hidden.length + unsorted.length).to.be.greaterThan(2)
      const unfiltered = [...hidden, ...Object.keys(resource.fields)].filter(
        (one) => !filters.includes(one),
      )
      await refusesAll(resource, [
        ...hidden.flatMap((one) => [`fields=${one}`, `expand=${one}`]),
        ...unsorted.filter((one) => !sorts.has(one)).map((one) => `sort=${one}`),
        ...unfiltered.map((one) => `${one}=1`),
      ])
    })

    it(`${place}: SQL in a filter is a value like another, and as a name it is unknown`, async () => {
      const before = await readList(world, resource)
      const values = [...statements, '\0', 'x'.repeat(10_000), '😀'.repeat(800)].map(
        encodeURIComponent,
      )
      const searches = filters.flatMap((name) => values.map((value) => `${name}=${value}`))
      const answers = await Promise.all(searches.map((search) => raw(resource, search)))
      for (const [index, answer] of answers.entries()) {
        const search = searches[index] ?? ''
        if (answer.status !== 200 || search.length > 5_000) {
          expectProblem(answer, search)
        }
      }
      const named = statements.map((one) => `${encodeURIComponent(one)}=1`)
      await refusesAll(
        resource,
        named.filter((one) => !one.startsWith('=')),
      )
      expect((await readList(world, resource)).text).to.equal(before.text)
    })

    it(`${place}: a cursor that was changed, or belongs to another list, sort, filter or caller`, async () => {
      const { json } = await readList(world, resource, { limit: 1 })
      const cursor: string | undefined = json.page.nextCursor
      if (cursor === undefined) {
        expect(json.page.hasMore).to.equal(false)
        return
      }
      const [version, ring, payload = '', signature = ''] = cursor.split('.')
      const forged = Buffer.from('["next",["x","y"]]').toString('base64url')
      const flip = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
      const cursors = [
        [version, ring, payload, flip(signature)],
        [version, ring, flip(payload), signature],
        [version, ring, forged, signature],
        ['v2', ring, payload, signature],
        [version, 'other', payload, signature],
        [version, ring, payload],
        [version, ring, payload, signature, ''],
        [version, ring, payload, ''],
      ].map((parts) => parts.join('.'))
      const places = cursors.map((one) => readList(world, resource, { cursor: one }))
      const [, other] = resource.sorts
      if (other) {
        places.push(readList(world, resource, { cursor, sort: other.name }))
      }
      const foreign = resources.find(
        (one) => one !== resource && !one.parent && !fixtureOf(one).needs,
      )
      places.push(...(foreign ? [readList(world, foreign, { cursor })] : []))
      if (resource.visibility !== 'public' && !resource.parent) {
        places.push(readList(world, resource, { cursor }, world.theirs.secretKey))
      }
      if (fixtureOf(resource).needs) {
        const needs = Object.keys(fixtureOf(resource).needs ?? {})
        const more = Object.fromEntries(needs.map((name) => [name, 'USD']))
        places.push(readList(world, resource, { ...more, cursor }))
      }
      for (const answer of await Promise.all(places)) {
        expectProblem(answer, 'cursor')
        expect(answer.json.type).to.equal(`${world.api.origin}/problems/read/invalid-cursor`)
      }
    })

    if (resource.operations === 'list-and-detail') {
      it(`${place}/:id: takes nothing but fields and expand`, async () => {
        const { data } = (await readList(world, resource, { limit: 1 })).json
        const path = `${pathOf(world, resource)}/${data[0].id ?? data[0].code}`
        const bad = [
          'limit=1',
          'sort=id',
          'cursor=x',
          'count=exact',
          'fields=nope',
          'expand=nope',
          'x=1',
        ]
        const odd = statements.map((one) => `fields=${encodeURIComponent(one)}`)
        const searches = [...bad, ...odd, ...filters.map((name) => `${name}=1`), 'fields=%00']
        const answers = await Promise.all(searches.map((search) => get(`${path}?${search}`)))
        for (const [index, answer] of answers.entries()) {
          expectProblem(answer, searches[index] ?? '')
        }
      })
    }

    if (resource.filtersRequired.length > 0) {
      it(`${place}: every filter that it cannot do without is asked for`, async () => {
        const { status, json } = await get(pathOf(world, resource))
        expect(status).to.equal(400)
        expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).to.deep.equal(
          resource.filtersRequired.map((name) => `#/query/${name}`),
        )
        expect((await get(`${pathOf(world, resource)}?${searchOf(resource)}`)).status).to.equal(200)
      })
    }
  }
})

/** Expansions that lead back to where they began, as deep as they go. */
function cyclesOf(resource: Resource): readonly string[] {
  return Object.entries(resource.expand).flatMap(([name, expansion]) =>
    Object.entries(expansion.resource().expand).flatMap(([inner, next]) => [
      `${name}.${inner}`,
      ...Object.keys(next.resource().expand).map((last) => `${name}.${inner}.${last}`),
    ]),
  )
}

/** A problem of the caller's making, which tells nothing of what is behind it. */
function expectProblem({ status, text, json, headers }: Answer, search: string): void {
  expect(status, `${search.slice(0, 80)}: ${text.slice(0, 300)}`).to.equal(400)
  expect(headers.get('content-type')).to.equal('application/problem+json')
  expect(json).to.include({ status: 400, retryable: false })
  expect(text).to.not.match(/at .*\.ts:|\bselect .* from\b|syntax error|invalid input syntax/)
}
