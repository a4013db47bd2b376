import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addContents, type Library } from '../support/contents.ts'
import { recordStatements } from '../support/statements.ts'
import { addCircles, buildTastes, take, type Taster } from '../support/tastes.ts'

const path = '/api/v2/recommendations'
const hit = /^memory; hit; ttl=\d+$/

describe('recommendations over HTTP', () => {
  let business: Business
  let tenant: Tenant
  let library: Library
  let api: Api
  let one: Taster
  let other: Taster
  let statements: ReturnType<typeof recordStatements>
  let keys = 0

  before(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    const { organisationId } = tenant
    const author = await addMember(business, organisationId, 'author@example.org')
    library = await addContents(business, tenant, { count: 120, memberId: author.memberId })
    await addCircles(business, tenant, library.contentIds)
    one = await addMember(business, organisationId, 'one@example.org')
    other = await addMember(business, organisationId, 'other@example.org')
    const taken = (first: number) => library.contentIds.slice(first, first + 3)
    await take(business, tenant, { memberId: one.memberId, contentIds: taken(0) })
    await take(business, tenant, { memberId: other.memberId, contentIds: taken(10) })
    await buildTastes(business, tenant)
    api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
  })
  after(() => business.lifecycle.stop())

  const get = (search = '', as = one.token, at = path): Promise<Answer> =>
    api.call('GET', `${at}${search}`, { as })
  const legacy = (id: string, as = tenant.secretKey, search = '') =>
    get(`/${id}${search}`, as, '/api/recommendations')
  const post = (at: string, body: unknown, as = one.token): Promise<Answer> => {
    const headers = { 'idempotency-key': `key-${(keys += 1)}` }
    return api.call('POST', at, { as, body, headers })
  }
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const idsIn = ({ json }: Answer): string[] => json.data.map(({ contentId }: any) => contentId)
  /** Reads everything once more, so that it is kept; then whether what is kept is served still. */
  const lists = (): readonly (() => Promise<Answer>)[] => [
    () => get(),
    () => get('?limit=30'),
    () => legacy(one.memberId),
    () => get('', other.token),
    () => legacy(other.memberId),
  ]
  const keep = async () => {
    for (const read of lists()) {
      await read()
    }
  }
  const isKept = async (): Promise<boolean[]> => {
    const kept: boolean[] = []
    for (const read of lists()) {
      kept.push(hit.test(statusOf(await read())))
    }
    return kept
  }
  const currentCount = () => {
    const current = [...api.slice.cache.kept()].filter((held) => api.slice.cache.isCurrent(held))
    return Map.groupBy(current, (held) => {
      const isOnes = held.dependencies.tags.includes(`interactions.member_id=${one.memberId}`)
      return held.route.includes('recommendations') ? (isOnes ? 'one' : 'other') : 'else'
    })
  }

  it('are the member’s own, by default ten, with the reason of each', async () => {
    const { status, json } = await get()
    expect(status).to.equal(200)
    expect(json.data).to.have.length(10)
    const [first] = json.data
    expect(Object.keys(first)).to.deep.equal([
      'contentId',
      'slug',
      'title',
      'summary',
      'publishedAt',
      'why',
    ])
    expect(library.contentIds.slice(3, 10)).to.include(first.contentId)
    expect(library.contentIds.slice(0, 3)).to.include(first.why.contentId)
    expect(idsIn(await get('', other.token))[0]).not.to.equal(first.contentId)
  })

  it('cost one statement beside the one that knows the credential, and none while they are kept', async () => {
    const fresh = await addMember(business, tenant.organisationId, 'fresh@example.org')
    statements.sent.length = 0
    expect(statusOf(await get('', fresh.token))).to.match(/fwd=miss; stored$/)
    expect(statements.sent).to.have.length(2)
    expect(statusOf(await get('', fresh.token))).to.match(hit)
    expect(statements.sent).to.have.length(2)
  })

  it('live an hour', async () => {
    await get('?limit=7')
    const ttl = Number(/ttl=(\d+)/.exec(statusOf(await get('?limit=7')))?.[1])
    expect(ttl).to.be.within(3200, 3960)
  })

  describe('of one member', () => {
    beforeEach(keep)

    it('end with a like of that member, and nobody else’s do', async () => {
      const before = currentCount()
      const content = library.contentIds[60] ?? ''
      const liked = await post(`/api/v2/contents/${content}/interactions`, { type: 'like' })
      expect(liked.status, liked.text).to.equal(200)
      await api.slice.cache.catchUp()
      const after = currentCount()
      expect(after.get('one') ?? []).to.have.length(0)
      expect(after.get('other')).to.have.length(before.get('other')?.length ?? -1)
      expect(await isKept()).to.deep.equal([false, false, false, true, true])
      expect(idsIn(await get('?limit=50'))).not.to.include(content)
    })

    it('end with a write of a content that they list, and only those that list it', async () => {
      const shown = new Set(idsIn(await get('?limit=30')))
      const theirs = new Set(idsIn(await get('', other.token)))
      const content = [...shown].find((id) => !theirs.has(id)) ?? ''
      await business.db.run(sql`update contents set title = 'Renamed' where id = ${content}::uuid`)
      const [, isLongKept, , ...isOthersKept] = await isKept()
      expect([isLongKept, ...isOthersKept]).to.deep.equal([false, true, true])
      const listed = (await get('?limit=30')).json.data
      expect(listed.find((item: any) => item.contentId === content).title).to.equal('Renamed')
    })

    it('lose a content that is withdrawn', async () => {
      const [gone = ''] = idsIn(await get())
      await business.db.run(sql`update contents set status = 'archived' where id = ${gone}::uuid`)
      const again = await get()
      await business.db.run(sql`update contents set status = 'published' where id = ${gone}::uuid`)
      expect(idsIn(again)).not.to.include(gone)
      expect(idsIn(again)).to.have.length(10)
    })

    it('outlive contents that they do not list, scores, interests and the next model', async () => {
      await business.db.run(sql`
        insert into contents (organisation_id, slug, title, status)
        values (${tenant.organisationId}::uuid, 'novelty', 'Novelty', 'published')`)
      await business.db.run(sql`update content_scores set view_count = view_count + 1`)
      await buildTastes(business, tenant)
      expect(await isKept()).to.deep.equal([true, true, true, true, true])
    })

    it('are made anew on request, and nobody else’s are', async () => {
      const { status, json } = await post(`${path}/refresh`, {})
      expect([status, json.data.length]).to.deep.equal([200, 10])
      expect(await isKept()).to.deep.equal([false, false, false, true, true])
      const byKey = await post(`${path}/refresh`, { memberId: other.memberId }, tenant.secretKey)
      expect(byKey.status).to.equal(200)
      expect(await isKept()).to.deep.equal([true, true, true, false, false])
    })
  })

  it('of version 1 are the same, and say what replaces them', async () => {
    const { json, headers } = await legacy(one.memberId)
    expect(json.data).to.deep.equal((await get()).json.data)
    expect(headers.get('deprecation')).to.match(/^@\d+$/)
    expect(headers.get('link')).to.include(
      `</api/v2/recommendations?memberId=${one.memberId}>; rel="successor-version"`,
    )
    expect((await legacy(one.memberId, one.token, '?limit=3')).json.data).to.have.length(3)
  })

  it('are given to a key of the organisation that names the member', async () => {
    const answer = await get(`?memberId=${one.memberId.toUpperCase()}`, tenant.secretKey)
    expect(answer.json.data).to.deep.equal((await get()).json.data)
    const nobodys = await get('', tenant.secretKey)
    expect([nobodys.status, nobodys.json.errors[0].pointer]).to.deep.equal([
      400,
      '#/query/memberId',
    ])
  })

  it('are shown to nobody whom they do not concern', async () => {
    const inland = await addTenant(business, 'inland')
    const removed = await addMember(business, tenant.organisationId, 'removed@example.org')
    await get(`?memberId=${removed.memberId}`, tenant.secretKey)
    await business.db.run(
      sql`update members set status = 'removed' where id = ${removed.memberId}::uuid`,
    )
    const nobody = '01900000-0000-7000-8000-000000000000'
    const refused: readonly (readonly [number, () => Promise<Answer>])[] = [
      [404, () => get(`?memberId=${other.memberId}`)],
      [404, () => legacy(other.memberId, one.token)],
      [404, () => get(`?memberId=${one.memberId}`, inland.secretKey)],
      [404, () => legacy(one.memberId, inland.secretKey)],
      [404, () => get(`?memberId=${removed.memberId}`, tenant.secretKey)],
      [404, () => get(`?memberId=${nobody}`, tenant.secretKey)],
      [404, () => legacy(removed.memberId)],
      [404, () => legacy('nobody')],
      [401, () => get('', removed.token)],
      [403, () => get(`?memberId=${one.memberId}`, tenant.publishableKey)],
      [404, () => post(`${path}/refresh`, { memberId: other.memberId })],
      [404, () => post(`${path}/refresh`, { memberId: one.memberId }, inland.secretKey)],
      [404, () => post(`${path}/refresh`, { memberId: removed.memberId }, tenant.secretKey)],
      [403, () => post(`${path}/refresh`, { memberId: one.memberId }, tenant.publishableKey)],
    ]
    for (const [index, [expected, asked]] of refused.entries()) {
      expect((await asked()).status, String(index)).to.equal(expected)
    }
  })

  it('refuse what they do not know, and take a limit that is too great as the greatest', async () => {
    const faulty = {
      'limit=0': 'limit',
      'limit=-1': 'limit',
      'limit=1.5': 'limit',
      'limit=1e2': 'limit',
      'limit=ten': 'limit',
      'limit=': 'limit',
      'limit=1&limit=2': 'limit',
      'exclude_seen=maybe': 'exclude_seen',
      'excludeSeen=true': 'excludeSeen',
      'memberId=1': 'memberId',
      'colour=red': 'colour',
    }
    for (const [search, name] of Object.entries(faulty)) {
      const { status, json } = await get(`?${search}`)
      expect([status, json.errors?.[0]?.pointer], search).to.deep.equal([400, `#/query/${name}`])
    }
    const [most, more] = [await get('?limit=50'), await get('?limit=99999')]
    expect(more.text).to.equal(most.text)
    expect(statusOf(more)).to.match(hit)
    for (const body of [{ colour: 'red' }, { memberId: 1 }, []]) {
      expect((await post(`${path}/refresh`, body)).status).to.equal(400)
    }
    const nobodys = await post(`${path}/refresh`, {}, tenant.secretKey)
    expect(nobodys.json.errors[0].pointer).to.equal('#/memberId')
  })
})
