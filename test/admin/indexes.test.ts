import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { sql } from 'kysely'

describe('indexes, for operators', () => {
  let business: Business
  let operator: AdminClient

  before(async () => {
    business = await openBusiness()
    const { text } = await issueAdminToken(business, { name: 'Ada', role: 'operator' })
    operator = adminClient(await startAdmin(business), text)
  })
  after(() => business.lifecycle.stop())

  it('are listed, the biggest first, with their use', async () => {
    const { indexes } = await operator.indexes.list.query()
    const sizes = indexes.map(({ sizeBytes }) => sizeBytes)
    expect(sizes).to.deep.equal(sizes.toSorted((one, other) => other - one))
    expect(indexes.find(({ index }) => index === 'idx_admin_tokens_hash')).to.deep.include({
      table: 'admin_tokens',
      isValid: true,
    })
  })

  it('that nothing used are told, with what they are there for', async () => {
    await business.db.run(sql`create index idx_idle on payment_links (updated_at)`)
    const { indexes } = await operator.indexes.unused.query()
    const keptFor = new Map(indexes.map((one) => [one.index, one.keptFor]))
    expect(keptFor.get('idx_audit_log_procedure')).to.equal(
      'the admin process, who called a procedure',
    )
    expect(keptFor.get('idx_feature_flags_name')).to.equal('keeps rows unique')
    expect(keptFor.has('idx_idle')).to.equal(true)
    expect(keptFor.get('idx_idle')).to.equal(undefined)
  })

  it('that are missing are told: of a young database none', async () => {
    expect(await operator.indexes.missing.query()).to.deep.equal({
      scannedTables: [],
      foreignKeys: [],
    })
  })

  it('are explained by the reads that need them, which run nothing', async () => {
    const reads = await operator.indexes.reads.query()
    expect(reads.length).to.be.above(20)
    for (const { index, reader } of reads) {
      const plan = await operator.indexes.explain.query({ index })
      expect(plan.reader).to.equal(reader)
      expect(plan.text).to.match(/^select /)
      expect(plan.faults).to.deep.equal([])
    }
    const none = operator.indexes.explain.query({ index: 'idx_none' })
    expect((await refusalOf(none)).data?.code).to.equal('BAD_REQUEST')
  })

  it('of a table are planned with anew after an analysis, of a table that is there', async () => {
    const analyzedAt = async () => {
      const [row] = await business.db.run(sql<{ at: string }>`
        select analyze_count as at from pg_stat_user_tables where relname = 'organisations'`)
      return row?.at
    }
    const before = await analyzedAt()
    expect(await operator.indexes.analyze.mutate({ table: 'organisations' })).to.deep.equal({
      table: 'organisations',
    })
    const deadline = performance.now() + 5_000
    while ((await analyzedAt()) === before) {
      expect(performance.now()).to.be.below(deadline)
    }
    const none = operator.indexes.analyze.mutate({ table: 'no_such_table' })
    expect((await refusalOf(none)).data?.code).to.equal('NOT_FOUND')
  })
})
