import { expect } from 'chai'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import type { Answer } from '../../support/api.ts'
import { placeOf } from '../../support/resource-fixtures.ts'
import {
  keyOf,
  openWorld,
  pathOf,
  readList,
  searchOf,
  walk,
  type Item,
  type World,
} from '../../support/resource-world.ts'

// Answers are what the schema says, come with an ETag that spares sending them again, and are the same in both versions.

describe('the answers of every declared resource', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.business.lifecycle.stop())

  const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    world.api.call('GET', path, { as: world.ours.secretKey, headers })

  /** Every kind of answer that a resource gives, by its path. */
  async function pathsOf(resource: Resource): Promise<readonly string[]> {
    const list = `${pathOf(world, resource)}?${searchOf(resource)}`
    const { json } = await get(list)
    const key = keyOf(world, resource, json.data[0])
    const details = resource.operations === 'list-and-detail'
    const expand = Object.keys(resource.expand).join(',')
    const { legacyPath } = resource
    return [
      list,
      `${pathOf(world, resource)}?${searchOf(resource, { limit: 1, count: 'exact' })}`,
      ...(expand === '' ? [] : [`${list}&expand=${expand}`]),
      ...(details ? [`${pathOf(world, resource)}/${key}`] : []),
      ...(legacyPath === undefined ? [] : [`/api/${legacyPath}?limit=3`]),
      ...(legacyPath === undefined || !details ? [] : [`/api/${legacyPath}/${key}`]),
    ]
  }

  for (const resource of resources) {
    const place = placeOf(resource)

    it(`${place}: every item is exactly what the schema says`, async () => {
      const [limits, item] = [[resource.page.limitMax], resource.item.strict()]
      const pages = await walk(world, resource, { limits })
      for (const one of pages.flatMap(({ data }) => data)) {
        item.parse(one)
      }
      const { json, headers } = await readList(world, resource)
      expect(Object.keys(json)).to.deep.equal(['data', 'page'])
      expect(headers.get('content-type')).to.equal('application/json; charset=utf-8')
      expect(headers.get('cache-control')).to.equal('private, no-cache')
      expect(headers.get('vary')).to.match(/authorization/i)
    })

    it(`${place}: the ETag of an answer gives 304, and another one the answer`, async () => {
      for (const path of await pathsOf(resource)) {
        const first = await get(path)
        const etag = first.headers.get('etag') ?? ''
        expect(etag, path).to.match(/^W\/"[\w-]{16}"$/)
        const known = [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']
        const same = await Promise.all(known.map((one) => get(path, { 'if-none-match': one })))
        for (const { status, text, headers } of same) {
          expect([status, text, headers.get('etag')], path).to.deep.equal([304, '', etag])
        }
        const unknown = ['"other"', 'W/""', etag.slice(0, -2)]
        const sent = await Promise.all(unknown.map((one) => get(path, { 'if-none-match': one })))
        for (const { status, text } of sent) {
          expect([status, text], path).to.deep.equal([200, first.text])
        }
      }
    })

    if (resource.operations === 'list-and-detail') {
      it(`${place}/:id: every item is what the list shows`, async () => {
        const { json } = await readList(world, resource, { limit: 10 })
        const details = await Promise.all(
          json.data.map((item: Item) =>
            get(`${pathOf(world, resource)}/${keyOf(world, resource, item)}`),
          ),
        )
        expect(details.map(({ json: detail }) => detail.data)).to.deep.equal(json.data)
      })
    }

    const { legacyPath } = resource
    if (legacyPath !== undefined) {
      it(`${place}: version 1 gives the same rows page by page, with the total, marked as deprecated`, async () => {
        const limits = [resource.page.limitMax]
        const modern = (await walk(world, resource, { limits })).flatMap(({ data }) => data)
        const total = modern.length
        const limit = 4
        const count = Math.ceil(total / limit)
        for (let page = 1; page <= count + 1; page += 1) {
          const { headers, json } = await get(`/api/${legacyPath}?page=${page}&limit=${limit}`)
          expect(json.data).to.deep.equal(modern.slice((page - 1) * limit, page * limit))
          const pagination = { page, limit, total, total_pages: count }
          expect(json.pagination).to.deep.equal(pagination)
          expect(headers.get('deprecation')).to.match(/^@\d+$/)
          expect(new Date(headers.get('sunset') ?? '').getTime()).to.be.greaterThan(Date.now())
          expect(headers.get('link')).to.include('rel="successor-version"')
        }
        for (const bad of [
          'page=0',
          'page=x',
          'limit=0',
          'cursor=x',
          'fields=id',
          'page=1&page=2',
        ]) {
          const { status, json } = await get(`/api/${legacyPath}?${bad}`)
          const [name] = bad.split('=')
          expect([status, json.errors?.[0]?.pointer], bad).to.deep.equal([400, `#/query/${name}`])
        }
      })

      if (resource.operations === 'list-and-detail') {
        it(`${place}/:id: version 1 gives the same item`, async () => {
          const { json } = await readList(world, resource, { limit: 1 })
          const [item] = json.data
          const old = await get(`/api/${legacyPath}/${keyOf(world, resource, item)}`)
          expect(old.json).to.deep.equal({ data: item })
          expect(old.headers.get('deprecation')).to.match(/^@\d+$/)
        })
      }
    }
  }

  it('come from no request that sends a statement for each of many things', () => {
    const { watch } = world.business.db
    expect([...watch.perRoute()].length).to.be.at.least(resources.length)
    expect(watch.repeated.list()).to.deep.equal([])
  })

  it('cost no more statements than they may', () => {
    const spent = world.business.db.watch.budgets.list()
    expect(spent.length).to.be.at.least(resources.length)
    expect(spent.filter(({ overCount }) => overCount > 0)).to.deep.equal([])
  })
})
