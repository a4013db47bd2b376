import { expect } from 'chai'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import { startApi, type Answer, type Api } from '../../support/api.ts'
import { openBusiness, type Business } from '../../support/business.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import { keyOf, openWorld, pathOf, searchOf, type World } from '../../support/resource-world.ts'

// Whether an answer was read or kept, a client cannot tell but by the headers that say so.

const telling = new Set(['age', 'cache-status', 'connection', 'date', 'keep-alive', 'request-id'])

describe('the answers of every declared resource, read with no cache, into it and out of it', () => {
  let world: World
  let apart: Business
  let off: Api
  before(async () => {
    world = await openWorld()
    apart = await openBusiness({ url: world.business.url })
    off = await startApi(apart)
  })
  after(async () => {
    await apart.lifecycle.stop()
    await world.business.lifecycle.stop()
  })

  /** The same question three times, in ways that find nothing kept, keep it and find it. */
  async function expectSame(path: string, as: string): Promise<Answer> {
    const read = await off.call('GET', path, { as })
    const missed = await world.api.call('GET', path, { as })
    const kept = await world.api.call('GET', path, { as })
    if (read.status === 200) {
      expect(read.headers.get('cache-status'), path).to.equal('memory; fwd=bypass')
      expect(kept.headers.get('cache-status'), path).to.match(/^memory; hit; ttl=\d+$/)
    }
    for (const answer of [missed, kept]) {
      expect(comparable(answer), path).to.deep.equal(comparable(read))
    }
    return read
  }

  for (const resource of resources) {
    it(`${placeOf(resource)}: are the same bytes under the same headers`, async () => {
      const { ours, theirs } = world
      const callers = [ours.secretKey, ours.memberToken, ours.publishableKey, theirs.secretKey]
      for (const path of pathsOf(resource)) {
        for (const as of callers) {
          const { json } = await expectSame(path, as)
          const [first] = json.data ?? []
          const { nextCursor } = json.page ?? {}
          if (nextCursor !== undefined && as === ours.secretKey) {
            const at = `${path}&cursor=${nextCursor}`
            const { prevCursor } = (await expectSame(at, as)).json.page
            await expectSame(`${path}&cursor=${prevCursor}`, as)
          }
          if (first !== undefined && resource.operations === 'list-and-detail') {
            await expectSame(`${pathOf(world, resource)}/${keyOf(world, resource, first)}`, as)
          }
        }
      }
    })
  }

  function pathsOf(resource: Resource): readonly string[] {
    const names = Object.keys(resource.fields)
    const expand = Object.keys(resource.expand).join(',')
    const wishes = [
      { limit: 2 },
      { limit: 3, count: 'exact', sort: resource.sorts.at(-1)?.name ?? '' },
      { limit: 4, fields: names.slice(0, 3).join(',') },
      ...(expand === '' ? [] : [{ limit: 5, expand }]),
    ]
    const legacy = resource.legacyPath
    const needed = new URLSearchParams(fixtureOf(resource).needs).toString()
    const isPlain = resource.sorts.every(({ name }) => name !== 'relevance')
    return [
      ...wishes
        .filter((wish) => isPlain || !('sort' in wish))
        .map((wish) => `${pathOf(world, resource)}?${searchOf(resource, wish)}`),
      ...(legacy === undefined ? [] : [`/api/${legacy}?page=1&limit=2&${needed}`]),
    ]
  }
})

function comparable({ status, headers, text, json }: Answer): unknown {
  const { type: _type, requestId: _id, ...problem } = json
  const told = [...headers].filter(([name]) => !telling.has(name))
  // A problem names the API that it came from, and its request.
  return status === 200 ? { status, text, told } : { status, problem }
}
