import { expect } from 'chai'
import { sql, type RawBuilder } from 'kysely'
import { Client } from 'pg'
import { issueAdminToken, verifyAudit } from '#members'
import { migrations } from '#migrations'
import { migrateDown, migrateUp } from '#platform/database/migrate'
import { adminClient, startAdmin, type AdminClient } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { createDatabase } from '../support/servers.ts'

describe('the chain of the audit log', () => {
  let business: Business
  let operator: AdminClient
  let ids: readonly string[]

  beforeEach(async () => {
    business = await openBusiness()
    const { text } = await issueAdminToken(business, { name: 'Ada', role: 'admin' })
    operator = adminClient(await startAdmin(business), text)
    for (const percentage of [10, 20, 30, 40, 50]) {
      await operator.flags.set.mutate({ name: 'cursor-pagination', percentage })
    }
    ids = (await operator.audit.list.query()).records.map(({ id }) => id).toReversed()
  })
  afterEach(() => business.lifecycle.stop())

  /** As somebody does who has the rights of the owner: past the triggers that refuse it. */
  const tamper = (...statements: readonly RawBuilder<unknown>[]) =>
    business.db.fork().transactional(async (em) => {
      await em.execute('alter table audit_log disable trigger audit_log_append_only')
      for (const statement of statements) {
        await statement.execute(em.getKysely())
      }
      await em.execute('alter table audit_log enable trigger audit_log_append_only')
    })
  const verify = () => operator.audit.verify.query()

  it('is whole as it was written, in any time zone', async () => {
    const whole = await verify()
    expect(whole).to.deep.include({ isWhole: true, checked: 5, isComplete: true })
    expect(whole.last?.id).to.equal(ids[4])
    const client = new Client({ connectionString: business.url })
    await client.connect()
    await client.query(`set time zone 'Asia/Kathmandu'`)
    const { rows } = await client.query(
      'select count(*)::integer as count from audit_log where hash = audit_hash(audit_log, previous_hash)',
    )
    expect(rows).to.deep.equal([{ count: 5 }])
    await client.end()
  })

  for (const column of [
    `actor = 'Eve'`,
    `input = '{"percentage": 31}'`,
    `after = null`,
    `outcome = 'failed'`,
    `reason = 'because'`,
    `created_at = created_at + interval '1 microsecond'`,
    `admin_token_id = (select id from admin_tokens where name = 'Bob')`,
  ]) {
    it(`names a record that was changed: ${column}`, async () => {
      await issueAdminToken(business, { name: 'Bob', role: 'operator' })
      await tamper(sql.raw(`update audit_log set ${column} where id = ${ids[2]}`))
      const found = await verify()
      expect(found).to.deep.include({ isWhole: false, broken: { id: ids[2], what: 'changed' } })
      expect(found.last?.id).to.equal(ids[1])
    })
  }

  it('names the record after one that was changed together with its own hash', async () => {
    await tamper(
      sql.raw(`update audit_log set actor = 'Eve' where id = ${ids[2]}`),
      sql.raw(
        `update audit_log set hash = audit_hash(audit_log, previous_hash) where id = ${ids[2]}`,
      ),
    )
    expect((await verify()).broken).to.deep.equal({ id: ids[3], what: 'unlinked' })
  })

  for (const [which, gone] of [
    ['in the middle', 2],
    ['the first', 0],
  ] as const) {
    it(`names the record before which one is missing: ${which}`, async () => {
      await tamper(sql.raw(`delete from audit_log where id = ${ids[gone]}`))
      expect((await verify()).broken).to.deep.equal({ id: ids[gone + 1], what: 'unlinked' })
    })
  }

  it('shows that its end was cut off, or all of it written anew, to whoever kept the last one', async () => {
    const { last } = await verify()
    const since = last ?? { id: '', hash: '' }
    await operator.flags.unset.mutate({ name: 'cursor-pagination' })
    const after = await operator.audit.verify.query({ since })
    expect(after).to.deep.include({ isWhole: true, checked: 1 })
    await tamper(sql.raw(`delete from audit_log where id >= ${ids[4]}`))
    expect(await verify()).to.include({ isWhole: true, checked: 4 })
    expect(await operator.audit.verify.query({ since })).to.deep.include({
      isWhole: false,
      broken: { id: ids[4], what: 'anchor-missing' },
    })
  })

  it('is one chain, in the order of the numbers, however many write at once', async () => {
    const flag = { name: 'cursor-pagination' } as const
    const calls = Array.from({ length: 30 }, (_, index) =>
      operator.flags.set.mutate({ ...flag, percentage: index }).catch(() => undefined),
    )
    await Promise.all([...calls, ...calls.map(() => operator.fx.fetchNow.mutate())])
    const found = await verify()
    expect(found).to.include({ isWhole: true })
    expect(found.checked).to.be.at.least(35)
  })

  it('numbers records when they are chained, whatever number they came with', async () => {
    await business.db.run(sql`
      insert into audit_log (id, admin_token_id, actor, procedure, input, outcome) overriding system value
      select 0, id, 'Ada', 'early', '{}', 'done' from admin_tokens`)
    expect(await verify()).to.include({ isWhole: true, checked: 6 })
  })

  it('is not forked by a transaction that sees an older state', async () => {
    const error = await business.db
      .fork()
      .transactional(async (em) => {
        await em.execute('set transaction isolation level repeatable read')
        await em.execute('select count(*) from audit_log')
        await operator.flags.set.mutate({ name: 'cursor-pagination', percentage: 60 })
        return em
          .execute(
            `insert into audit_log (admin_token_id, actor, procedure, input, outcome)
           select id, 'Ada', 'late', '{}', 'done' from admin_tokens`,
          )
          .catch((thrown: unknown) => thrown)
      })
      .catch((thrown: unknown) => thrown)
    expect(String(error)).to.match(/idx_audit_log_chain|could not serialize/)
    expect(await verify()).to.include({ isWhole: true, checked: 6 })
  })

  it('goes on from one batch to the next', async () => {
    await business.db.run(sql`
      insert into audit_log (admin_token_id, actor, procedure, input, outcome)
      select id, 'Ada', 'many', '{}', 'done' from admin_tokens, generate_series(1, 10000)`)
    expect(await verifyAudit(business.db, undefined)).to.include({ isWhole: true, checked: 10_005 })
    const { rows } = await business.db.pool.query('select max(id)::text as id from audit_log')
    const last: unknown = rows[0]?.id
    await tamper(sql.raw(`update audit_log set actor = 'Eve' where id = ${String(last)}`))
    expect((await verifyAudit(business.db, undefined)).broken).to.deep.equal({
      id: last,
      what: 'changed',
    })
  })
}).timeout(30_000)

describe('audit records that were there before 0061-audit-chain', () => {
  it('are chained too, and stay when it is undone', async () => {
    const url = await createDatabase()
    const names = migrations.map(({ name }) => name)
    const name = names[names.indexOf('0061-audit-chain') - 1] ?? ''
    await migrateDown(url, migrations, { depth: { kind: 'to', name } })
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(
      `insert into admin_tokens (name, role, token_hash, last_four) values ('Ada', 'admin', sha256('a'), 'aaaa')`,
    )
    await client.query(`insert into audit_log (admin_token_id, actor, procedure, input, outcome)
      select id, 'Ada', 'old', '{}', 'done' from admin_tokens, generate_series(1, 3)`)
    await migrateUp(url, migrations)
    const business = await openBusiness({ url })
    expect(await verifyAudit(business.db, undefined)).to.include({ isWhole: true, checked: 3 })
    await business.lifecycle.stop()
    await migrateDown(url, migrations, { depth: { kind: 'to', name } })
    const { rows } = await client.query('select actor from audit_log')
    expect(rows).to.have.length(3)
    await client.end()
  })
}).timeout(60_000)
