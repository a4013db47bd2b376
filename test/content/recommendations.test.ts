import { expect } from 'chai'
import { sql } from 'kysely'
import { buildModel, foldInterests, getRecommendations, recommendAsOf } from '#content'
import { transaction } from '#platform/database/transaction'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addContents, type Library } from '../support/contents.ts'
import { recordStatements } from '../support/statements.ts'
import { addCircles, buildTastes, take } from '../support/tastes.ts'

describe('recommending contents', () => {
  let business: Business
  let tenant: Tenant
  let library: Library
  let memberId: string
  let statements: ReturnType<typeof recordStatements>
  const today = new Date('2026-02-01T12:00:00Z')

  beforeEach(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    const author = await addMember(business, tenant.organisationId, 'author@example.org')
    library = await addContents(business, tenant, { count: 120, memberId: author.memberId })
    await addCircles(business, tenant, library.contentIds)
    memberId = (await addMember(business, tenant.organisationId, 'reader@example.org')).memberId
  })
  afterEach(() => business.lifecycle.stop())

  const content = (n: number): string => library.contentIds[n] ?? ''
  const taking = (numbers: readonly number[], more: { type?: string; at?: string } = {}) =>
    take(business, tenant, { memberId, contentIds: numbers.map(content), ...more })
  const list = async (more: object = {}): Promise<any[]> => {
    const asked = { organisationId: tenant.organisationId, memberId, limit: 10, excludesSeen: true }
    const found = await getRecommendations(business, { ...asked, at: today, ...more })
    return JSON.parse(found?.body ?? 'null')
  }
  const numbersIn = (items: readonly any[]): number[] =>
    items.map(({ contentId }) => library.contentIds.indexOf(contentId))
  const from = (first: number, end: number) => (n: number) => n >= first && n < end

  it('is one statement, whatever there is to say', async () => {
    await taking([0, 1, 10])
    await buildTastes(business, tenant)
    statements.sent.length = 0
    await list({ limit: 50 })
    expect(statements.sent).to.have.length(1)
  })

  it('begins with what those took who took the same, and says after what', async () => {
    await taking([0, 1, 2])
    await buildTastes(business, tenant)
    const items = await list()
    const near = items.filter(({ why }) => why.kind === 'bought-together')
    expect(numbersIn(near).toSorted((a, b) => a - b)).to.deep.equal([3, 4, 5, 6, 7, 8, 9])
    const because = near.map(({ why }) => library.contentIds.indexOf(why.contentId))
    expect(because.every(from(0, 3))).to.equal(true)
  })

  it('leaves out what the member has had to do with, in whatever way; or not, when that is asked for', async () => {
    await taking([0, 1, 2])
    await taking([3], { type: 'view' })
    await taking([4], { type: 'like' })
    await taking([4], { type: 'unlike' })
    await buildTastes(business, tenant)
    expect(numbersIn(await list({ limit: 50 })).filter(from(0, 5))).to.deep.equal([])
    expect(numbersIn(await list({ limit: 50, excludesSeen: false }))).to.include.members([3, 4])
  })

  it('knows of what was seen since the model was built', async () => {
    await taking([0, 1])
    await buildTastes(business, tenant)
    const [first] = await list()
    await take(business, tenant, { memberId, contentIds: [first.contentId], type: 'view' })
    expect((await list({ limit: 50 })).map(({ contentId }) => contentId)).not.to.include(
      first.contentId,
    )
  })

  it('gives a member without a history what is popular, engaged with and new', async () => {
    await buildTastes(business, tenant)
    await business.db.run(sql`
      insert into contents (organisation_id, slug, title, status, published_at)
      values (${tenant.organisationId}::uuid, 'news', 'News', 'published', '2026-01-31T00:00:00Z')`)
    const kinds = new Set((await list()).map(({ why }) => why.kind))
    expect([...kinds]).to.have.members(['popular', 'exploration'])
    expect(await list()).to.have.length(10)
    expect((await list({ limit: 50 })).some(({ why }) => why.kind === 'new')).to.equal(true)
  })

  it('is a list also where nothing was built yet', async () => {
    await taking([0])
    const items = await list()
    expect(items).to.have.length(10)
    expect(numbersIn(items)).not.to.include(0)
  })

  it('shows the newest about what a member is interested in, and says about what', async () => {
    const rare = library.tagIds[5] ?? ''
    await business.db.run(sql`
      insert into content_tags (content_id, tag_id) select id, ${rare}::uuid
        from unnest(${[50, 90, 91].map(content)}::uuid[]) as id`)
    await taking([50])
    await buildTastes(business, tenant)
    const interesting = (await list({ limit: 50 })).filter(({ why }) => why.kind === 'interest')
    expect(interesting.map(({ why }) => why.tag)).to.include('word-15')
    expect(numbersIn(interesting)).to.include.members([90])
  })

  it('never shows what readers do not find: drafts, what was deleted, what is still to come, what is another’s', async () => {
    await taking([0, 1])
    await buildTastes(business, tenant)
    await business.db.run(sql`update contents set status = 'draft' where id = ${content(2)}::uuid`)
    await business.db.run(
      sql`update contents set deleted_at = now() where id = ${content(3)}::uuid`,
    )
    await business.db.run(sql`
      update contents set published_at = '2026-02-02T00:00:00Z' where id = ${content(4)}::uuid`)
    const other = await addTenant(business, 'inland')
    await business.db.run(sql`
      update contents set organisation_id = ${other.organisationId}::uuid where id = ${content(5)}::uuid`)
    expect(numbersIn(await list({ limit: 50 })).filter(from(2, 6))).to.deep.equal([])
  })

  it('knows neither members of others nor those who were removed', async () => {
    const other = await addTenant(business, 'inland')
    const ask = (more: object) =>
      getRecommendations(business, {
        organisationId: tenant.organisationId,
        memberId,
        limit: 10,
        excludesSeen: true,
        at: today,
        ...more,
      })
    expect(await ask({ organisationId: other.organisationId })).to.equal(undefined)
    await business.db.run(sql`update members set status = 'removed' where id = ${memberId}::uuid`)
    expect(await ask({})).to.equal(undefined)
  })

  it('gives one place of ten to what hardly anybody has seen: another each day, the same all day', async () => {
    await taking([0, 1, 2])
    await buildTastes(business, tenant)
    const explored = async (at: string) =>
      (await list({ at: new Date(at), limit: 20 }))
        .map(({ why, contentId }, place) => ({ place, why: why.kind, contentId }))
        .filter(({ why }) => why === 'exploration')
    const morning = await explored('2026-02-01T00:00:00Z')
    expect(morning.map(({ place }) => place)).to.deep.equal([9, 19])
    expect(await explored('2026-02-01T23:59:59Z')).to.deep.equal(morning)
    const days = await Promise.all([2, 3, 4, 5].map((day) => explored(`2026-02-0${day}T12:00:00Z`)))
    expect(new Set([morning, ...days].map((one) => one[0]?.contentId)).size).to.be.greaterThan(1)
  })

  it('is the same list whenever nothing has changed', async () => {
    await taking([0, 11, 30], { type: 'view' })
    await buildTastes(business, tenant)
    const first = await list({ limit: 50 })
    await buildTastes(business, tenant)
    expect(await list({ limit: 50 })).to.deep.equal(first)
  })

  it('replaces the model whole, and leaves the old one where the new one fails', async () => {
    await taking([0, 1])
    await buildTastes(business, tenant)
    const models = () =>
      business.db.run(sql<{ id: string; isCurrent: boolean; contents: number }>`
        select m.id, is_current as "isCurrent", (select count(*)::integer from content_neighbours where model_id = m.id) as contents
          from recommendation_models m order by id`)
    const before = await models()
    expect(before.map(({ isCurrent, contents }) => [isCurrent, contents])).to.deep.equal([
      [true, 20],
    ])
    const failing = transaction(business, async (tx) => {
      await buildModel(tx, { organisationId: tenant.organisationId })
      throw new Error('too late')
    })
    expect(await failing.catch(String)).to.equal('Error: too late')
    expect(await models()).to.deep.equal(before)
    await buildTastes(business, tenant)
    const after = await models()
    expect(after.map(({ isCurrent, contents }) => [isCurrent, contents])).to.deep.equal([
      [true, 20],
    ])
    expect(after[0]?.id).not.to.equal(before[0]?.id)
  })

  it('as of a past knows nothing that came later, and is built beside what serves', async () => {
    await taking([0, 1], { at: '2026-01-02T00:00:00Z' })
    await buildTastes(business, tenant)
    const at = new Date('2026-01-02T12:00:00Z')
    const past = await transaction(business, (tx) =>
      buildModel(tx, { organisationId: tenant.organisationId, before: at }),
    )
    // The circles took theirs a day later.
    const [{ count } = { count: -1 }] = await business.db.run(sql<{ count: number }>`
      select sum(cardinality(neighbour_ids))::integer as count from content_neighbours where model_id = ${past?.modelId}::bigint`)
    expect(count).to.equal(2)
    const asked = {
      organisationId: tenant.organisationId,
      modelId: past?.modelId ?? '',
      at,
      limit: 50,
    }
    const lists = await recommendAsOf(business.db, { ...asked, memberIds: [memberId] })
    const numbers = (lists.get(memberId) ?? []).map((id) => library.contentIds.indexOf(id))
    expect(numbers.filter(from(0, 2))).to.deep.equal([])
    expect((await list()).filter(({ why }) => why.kind === 'bought-together')).not.to.have.length(0)
  })

  it('folds interests: what is done more and later weighs more, what is no longer so goes', async () => {
    const [one = '', two = ''] = library.tagIds.slice(1, 3)
    await business.db.run(
      sql`delete from content_tags where content_id = any(${[50, 51].map(content)}::uuid[])`,
    )
    await business.db.run(sql`
      insert into content_tags (content_id, tag_id)
      values (${content(50)}::uuid, ${one}::uuid), (${content(51)}::uuid, ${two}::uuid)`)
    const interests = async () => {
      await foldInterests(business, { organisationId: tenant.organisationId, memberId })
      return business.db.run(sql<{ tag: string; weight: number }>`
        select tag_id as tag, weight from member_interests where member_id = ${memberId}::uuid order by weight desc`)
    }
    await taking([50], { at: '2025-10-05T00:00:00Z' })
    await taking([51], { at: '2026-01-03T00:00:00Z' })
    const [later, earlier] = await interests()
    expect([later?.tag, earlier?.tag]).to.deep.equal([two, one])
    // 90 days are the half-life.
    expect((earlier?.weight ?? 0) / (later?.weight ?? 1)).to.be.closeTo(0.5, 0.001)
    await business.db.run(sql`delete from content_tags where content_id = ${content(51)}::uuid`)
    expect((await interests()).map(({ tag }) => tag)).to.deep.equal([one])
  })
})
