import { expect } from 'chai'
import { sql } from 'kysely'
import {
  recomputeContent,
  rollUpInteractions,
  tendInteractions,
  updateContentEngagementScores,
} from '#content'
import { transaction } from '#platform/database/transaction'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { createTestClock } from '../support/clock.ts'
import { addContents } from '../support/contents.ts'
import { recordStatements } from '../support/statements.ts'

describe('counting and scoring contents', () => {
  let business: Business
  let tenant: Tenant
  let memberId: string
  let ids: readonly string[]
  let statements: ReturnType<typeof recordStatements>
  const at = new Date('2026-01-05T00:00:00Z')

  beforeEach(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    const member = await addMember(business, tenant.organisationId, 'reader@example.org')
    memberId = member.memberId
    const library = await addContents(business, tenant, { count: 1_000, memberId })
    ids = library.contentIds
    await business.db.run(sql`truncate interaction_inbox`)
    await business.db.run(sql`update content_scores set view_count = 0, engagement_score = 0`)
    statements.sent.length = 0
  })
  afterEach(() => business.lifecycle.stop())

  const interact = (type: string, contents: readonly string[], times = 1, when = at) =>
    business.db.run(sql`
      insert into interactions (organisation_id, member_id, content_id, type, created_at)
      select ${tenant.organisationId}::uuid, ${memberId}::uuid, id, ${type}, ${when}::timestamptz
        from unnest(${[...contents]}::uuid[]) as id, generate_series(1, ${times}::integer)`)
  const scores = () =>
    business.db.run(sql<Record<string, any>>`
      select content_id as id, view_count::integer as views, like_count::integer as likes, engagement_score as score, is_due as due
        from content_scores order by content_id`)
  const score = (more: object = {}) => updateContentEngagementScores(business, { at, ...more })
  const scored = () =>
    statements.sent.filter(({ text }) => /update content_scores/.test(text)).length

  it('scores a thousand contents in one statement', async () => {
    await interact('view', ids)
    await rollUpInteractions(business)
    statements.sent.length = 0
    expect(await score()).to.equal(1_000)
    expect(statements.sent).to.have.length(1)
    expect((await scores()).every((row) => row['score'] > 0 && !row['due'])).to.equal(true)
  })

  it('touches only what is due: nothing has changed, so nothing is written', async () => {
    await interact('view', ids.slice(0, 10))
    expect(await rollUpInteractions(business)).to.equal(10)
    expect(await score()).to.equal(10)
    const before = await business.db.run(
      sql`select content_id, xmin::text from content_scores order by 1`,
    )
    expect(await rollUpInteractions(business)).to.equal(0)
    expect(await score()).to.equal(0)
    expect(
      await business.db.run(sql`select content_id, xmin::text from content_scores order by 1`),
    ).to.deep.equal(before)
    expect(await score({ which: 'all' })).to.equal(10)
  })

  it('takes as many statements as there are batches', async () => {
    await interact('view', ids)
    await rollUpInteractions(business, { batchRows: 300 })
    statements.sent.length = 0
    expect(await score({ batchRows: 300 })).to.equal(1_000)
    expect(scored()).to.equal(4)
  })

  it('counts each interaction once, likes less unlikes, by content and by hour', async () => {
    const [one = '', other = ''] = ids
    await interact('view', [one], 7)
    await interact('view', [one], 2, new Date('2026-01-05T01:30:00Z'))
    await interact('like', [one, other], 3)
    await interact('unlike', [one], 1)
    await rollUpInteractions(business, { batchRows: 4 })
    const rows = (await scores()).filter(({ views, likes }) => views + likes > 0)
    expect(rows.map(({ id, views, likes }) => [id, views, likes])).to.have.deep.members([
      [one, 9, 2],
      [other, 0, 3],
    ])
    const hourly = await business.db.run(sql`
      select to_char(hour at time zone 'UTC', 'HH24') as hour, count::integer from interaction_rollups
       where content_id = ${one}::uuid and type = 'view' order by hour`)
    expect(hourly).to.deep.equal([
      { hour: '00', count: 7 },
      { hour: '01', count: 2 },
    ])
  })

  it('counts each once also where several count at the same time, and interactions go on', async () => {
    const some = ids.slice(0, 50)
    await Promise.all([
      ...Array.from({ length: 10 }, () => interact('view', some, 4)),
      ...Array.from({ length: 4 }, () => rollUpInteractions(business, { batchRows: 37 })),
      ...Array.from({ length: 2 }, () => score({ batchRows: 11 })),
    ])
    await rollUpInteractions(business)
    const rows = (await scores()).filter(({ views }) => views > 0)
    expect(rows.map(({ views }) => views)).to.deep.equal(some.map(() => 40))
  })

  it('does not wait for whoever holds a score, nor lose it: it stays due', async () => {
    await interact('view', ids.slice(0, 10))
    await rollUpInteractions(business)
    await transaction(business, async (tx) => {
      await tx.run(sql`select from content_scores where content_id = ${ids[0]}::uuid for update`)
      expect(await score()).to.equal(9)
    })
    expect(await score()).to.equal(1)
  })

  it('locks no row of contents, so that their writers and readers never wait', async () => {
    await interact('view', ids)
    await rollUpInteractions(business)
    const locked = await transaction(business, async (tx) => {
      await updateContentEngagementScores({ db: tx }, { at })
      // Another session takes every row of contents at once, or fails at once.
      const rows = await business.db.run(sql`select id from contents for update nowait`)
      await business.db.run(sql`update contents set title = 'Changed' where id = ${ids[3]}::uuid`)
      return rows.length
    })
    expect(locked).to.equal(1_000)
  })

  it('counts anew from the log what was doubted, with what waits to be counted', async () => {
    const [one = ''] = ids
    await interact('purchase', [one], 3)
    await rollUpInteractions(business)
    await interact('purchase', [one], 2)
    await business.db.run(sql`update content_scores set purchase_count = 99, view_count = 5`)
    await recomputeContent(business, one)
    const [row] = await business.db.run(sql`
      select view_count::integer as views, purchase_count::integer as purchases, engagement_score > 0 as scored
        from content_scores where content_id = ${one}::uuid`)
    expect(row).to.deep.equal({ views: 0, purchases: 5, scored: true })
    expect(await rollUpInteractions(business)).to.equal(0)
  })

  it('counts each once while contents are counted anew, others count, and interactions go on', async () => {
    const some = ids.slice(0, 5)
    await Promise.all([
      ...Array.from({ length: 20 }, () => interact('view', some, 3)),
      ...Array.from({ length: 8 }, () => rollUpInteractions(business, { batchRows: 7 })),
      ...[...some, ...some].map((id) => recomputeContent(business, id)),
    ])
    await rollUpInteractions(business)
    const rows = (await scores()).filter(({ views }) => views > 0)
    expect(rows.map(({ views }) => views)).to.deep.equal(some.map(() => 60))
  })

  it('makes partitions ahead, with the triggers of their table, and forgets what is of no use any more', async () => {
    const clock = createTestClock(new Date('2030-05-31T23:00:00Z'))
    await interact('view', [ids[0] ?? ''], 1, new Date('2030-07-01T00:00:00Z'))
    await business.db.run(sql`
      insert into interaction_hours (member_id, content_id, type, hour)
      select gen_random_uuid(), gen_random_uuid(), 'view', hour
        from unnest('{2030-05-01Z,2030-05-31Z}'::timestamptz[]) as hour`)
    expect(await tendInteractions({ db: business.db, clock })).to.equal(1)
    expect(await tendInteractions({ db: business.db, clock })).to.equal(0)
    const parts = await business.db.run(sql<{ name: string; triggers: number; rows: number }>`
      select c.relname as name, count(t.tgname)::integer as triggers
        from pg_class c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
       where c.relname like 'interactions_2030%' group by 1 order by 1`)
    expect(parts.map(({ name, triggers }) => `${name} ${triggers}`)).to.deep.equal([
      'interactions_2030_05 6',
      'interactions_2030_06 6',
      'interactions_2030_07 6',
      'interactions_2030_08 6',
    ])
    const [moved] = await business.db.run(
      sql`select count(*)::integer as count from interactions_2030_07`,
    )
    expect(moved).to.deep.equal({ count: 1 })
  })
})
