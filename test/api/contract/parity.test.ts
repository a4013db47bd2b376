import { expect } from 'chai'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import { startApi, type Answer, type Api } from '../../support/api.ts'
import { openBusiness, type Business } from '../../support/business.ts'
import { fixtureOf, placeOf } from '../../support/resource-fixtures.ts'
import {
  allowedOrigin,
  keyOf,
  openWorld,
  pathOf,
  searchOf,
  type World,
} from '../../support/resource-world.ts'
import { receiveRaw } from '../../support/wire.ts'

// Whether an answer was read or kept, a client cannot tell but by the headers that say so.

const telling = new Set([
  'age',
  'cache-status',
  'connection',
  'date',
  'keep-alive',
  'request-id',
  'server-timing',
])

describe('the answers of every declared resource, read with no cache, into it and out of it', () => {
  let world: World
  let apart: Business
  let off: Api
  let withoutEdge: string
  before(async () => {
    world = await openWorld()
    apart = await openBusiness({ url: world.business.url })
    off = await startApi(apart, { corsOrigins: [allowedOrigin] })
    withoutEdge = await world.api.openWithoutEdge()
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

  /** The edge sends the bytes that Express sends, to whatever kind of client. */
  async function expectEdged(path: string, as: string, etag: string): Promise<void> {
    const { origin, slice } = world.api
    for (const variant of variantsOf(etag)) {
      const headers = { authorization: `Bearer ${as}`, ...variant }
      const express = await receiveRaw(`${withoutEdge}${path}`, headers)
      const before = slice.figures.edgeCount
      const edge = await receiveRaw(`${origin}${path}`, headers)
      expect(slice.figures.edgeCount, `${path} is answered by the edge`).to.equal(before + 1)
      expect(unhurried(edge), path).to.equal(unhurried(express))
    }
  }

  for (const resource of resources) {
    it(`${placeOf(resource)}: are the same bytes under the same headers`, async () => {
      const { ours, theirs } = world
      const callers = [ours.secretKey, ours.memberToken, ours.publishableKey, theirs.secretKey]
      for (const path of pathsOf(resource)) {
        for (const as of callers) {
          const { json, status, headers } = await expectSame(path, as)
          if (status === 200) {
            await expectEdged(path, as, headers.get('etag') ?? '')
          }
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

const variantsOf = (etag: string): readonly Record<string, string>[] => [
  {},
  { 'accept-encoding': 'gzip, deflate, br, zstd' },
  { 'accept-encoding': 'gzip;q=1, br;q=0' },
  { 'if-none-match': etag },
  { 'if-none-match': `"other", ${etag}`, origin: allowedOrigin },
  { 'if-none-match': 'W/"other"', origin: 'https://elsewhere.example.com' },
]

/** Without what is new in every answer; where it stands is compared. */
function unhurried(answer: string): string {
  return answer
    .replace(/^Date: .*$/m, 'Date:')
    .replace(/^Request-Id: req_[\da-f-]{36}$/m, 'Request-Id:')
    .replace(/^Age: \d+$/m, 'Age:')
    .replace(/^(Cache-Status: memory; hit; ttl=)\d+$/m, '$1')
    .replace(/^Server-Timing: total;dur=[\d.]+, cache;desc="hit"$/m, 'Server-Timing:')
}
