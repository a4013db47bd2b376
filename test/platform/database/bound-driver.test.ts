import { ApiKey, Member, Organisation } from '#members'
import { JobRun } from '#platform/delivery/job-run'
import { OutboxEvent } from '#platform/delivery/outbox-event'
import { bind } from '#platform/database/bound-driver'
import { raw } from '@mikro-orm/core'
import { expect } from 'chai'
import { sql } from 'kysely'
import { open, type Opened } from './open.ts'

const canary = `canary '"?$1\\ %_:name 𝄞`

describe('values of the unit of work', () => {
  let opened: Opened
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  async function organisation(): Promise<string> {
    const em = opened.db.fork()
    const one = em.create(Organisation, {
      name: canary,
      slug: `slug-${canary}`,
      defaultCurrency: 'GBP',
      settlementAssets: ['EUR', 'USD', 'AUD', 'JPY'],
      settings: { text: canary, list: [1, null, canary], nested: { '?': canary } },
    })
    await em.flush()
    return one.id
  }

  const expectUnseen = (): void => {
    expect(opened.sent.filter(({ text }) => text.includes('canary'))).to.deep.equal([])
    expect(opened.sent.some(({ values }) => JSON.stringify(values).includes('canary'))).to.equal(
      true,
    )
  }

  it('never stand in the text of an insert, and come back as they were', async () => {
    const id = await organisation()
    expectUnseen()
    const stored = await opened.db.fork().findOneOrFail(Organisation, id)
    expect(stored.name).to.equal(canary)
    expect(stored.settings).to.deep.equal({
      text: canary,
      list: [1, null, canary],
      nested: { '?': canary },
    })
    expect(stored.settlementAssets).to.deep.equal(['EUR', 'USD', 'AUD', 'JPY'])
  })

  it('are bound for arrays, bytes, dates, nulls and booleans', async () => {
    const organisationId = await organisation()
    const em = opened.db.fork()
    const expiresAt = new Date('2027-03-04T05:06:07.089Z')
    const scopes = [canary, 'a,b', '{}', '"', '', 'null', 'NULL', '\\', ' a\n\t']
    const keyHash = Buffer.from([0, 1, 39, 92, 255])
    em.create(ApiKey, {
      organisationId,
      kind: 'secret',
      name: canary,
      keyHash,
      prefix: 'sk_',
      lastFour: '1234',
      scopes,
      expiresAt,
      revokedAt: null,
    })
    em.create(ApiKey, {
      organisationId,
      kind: 'secret',
      name: '',
      keyHash: Buffer.alloc(0),
      prefix: '',
      lastFour: '',
      scopes: [],
    })
    await em.flush()
    expectUnseen()
    const rows = await opened.db.run(
      sql`select name, scopes, encode(key_hash, 'hex') as hash, revoked_at, expires_at = ${expiresAt.toISOString()} as same
            from api_keys order by name = '', name`,
    )
    expect(rows).to.deep.equal([
      { name: canary, scopes, hash: keyHash.toString('hex'), revoked_at: null, same: true },
      { name: '', scopes: [], hash: '', revoked_at: null, same: null },
    ])
    const read = await opened.db.fork().findOneOrFail(ApiKey, { scopes: { $contains: [canary] } })
    expect(Buffer.from(read.keyHash).equals(keyHash)).to.equal(true)
  })

  it('are bound in updates of many entities in one flush, each with its own', async () => {
    const organisationId = await organisation()
    const em = opened.db.fork()
    const members = ['x', 'y', 'z'].map((letter) =>
      em.create(Member, { organisationId, email: `${letter}@${canary}`, name: letter }),
    )
    await em.flush()
    opened.sent.length = 0
    members.forEach((member, n) => {
      member.name = `${canary} ${n}`
      member.lastActiveAt = n === 1 ? null : new Date(n * 1_000)
    })
    await em.flush()
    expectUnseen()
    const rows = await opened.db.run(sql`select name, version from members order by name`)
    expect(rows).to.deep.equal([0, 1, 2].map((n) => ({ name: `${canary} ${n}`, version: 2 })))
  })

  it('are bound in batches of entities without a version, dates and nulls among them', async () => {
    const em = opened.db.fork()
    const ids = ['1', '2', '3'].map((n) => `01990000-0000-7000-8000-00000000000${n}`)
    const runs = ids.map((id) =>
      em.create(JobRun, {
        id,
        queue: 'fx',
        name: canary,
        bullId: id,
        state: 'active',
        attempt: 1,
        startedAt: new Date(0),
      }),
    )
    await em.flush()
    runs.forEach((run, n) => {
      run.state = n === 0 ? 'failed' : 'completed'
      run.error = n === 0 ? canary : null
      run.finishedAt = new Date(n)
      run.rowsAffected = n
    })
    await em.flush()
    expectUnseen()
    const rows = await opened.db.run(
      sql`select state, error, rows_affected as rows, extract(epoch from finished_at)::text as at from job_runs order by id`,
    )
    expect(rows).to.deep.equal([
      { state: 'failed', error: canary, rows: 0, at: '0.000000' },
      { state: 'completed', error: null, rows: 1, at: '0.001000' },
      { state: 'completed', error: null, rows: 2, at: '0.002000' },
    ])
  })

  it('are bound in conditions, lists, patterns, deletes, counts and raw fragments', async () => {
    const organisationId = await organisation()
    const em = opened.db.fork()
    em.create(Member, { organisationId, email: `e@${canary}`, name: canary })
    await em.flush()
    const where = { organisationId, name: { $in: [canary, 'other'] } }
    expect(await em.count(Member, where)).to.equal(1)
    expect(await em.count(Member, { name: { $like: '%canary%' }, tier: { $ne: canary } })).to.equal(
      1,
    )
    expect(await em.find(Member, { [raw('lower(name)')]: canary.toLowerCase() })).to.have.length(1)
    expect(
      await em.execute('select name from members where name in (?)', [[canary, 'x']]),
    ).to.have.length(1)
    expect(await em.execute('select :it::text as it', { it: canary })).to.deep.equal([
      { it: canary },
    ])
    expect(await em.createQueryBuilder(Member, 'm').where({ name: canary }).getCount()).to.equal(1)
    expect(await em.nativeUpdate(Member, { name: canary }, { tier: canary })).to.equal(1)
    expect(await em.nativeDelete(Member, { tier: canary })).to.equal(1)
    expectUnseen()
  })

  it('of bigint keep every digit', async () => {
    const em = opened.db.fork()
    em.create(OutboxEvent, {
      topic: canary,
      aggregateId: '01990000-0000-7000-8000-000000000001',
      payload: { n: '9007199254740993' },
    })
    await em.flush()
    const [stored] = await opened.db.fork().findAll(OutboxEvent)
    expect([typeof stored?.id, stored?.payload]).to.deep.equal([
      'string',
      { n: '9007199254740993' },
    ])
  })

  it('are not shown to whoever looks at running statements', async () => {
    const id = await organisation()
    const { db } = opened
    const writing = await db.fork().transactional(async (holder) => {
      await holder.execute('select 1 from organisations where id = ? for update', [id])
      const em = db.fork()
      const one = await em.findOneOrFail(Organisation, id)
      one.name = `${canary} again`
      const flushed = em.flush()
      const deadline = Date.now() + 5_000
      let texts: readonly { query: string }[] = []
      while (texts.length === 0 && Date.now() < deadline) {
        texts = await db.run(
          sql<{
            query: string
          }>`select query from pg_stat_activity where wait_event_type = 'Lock' and query like 'update%'
                and datname = current_database()`,
        )
      }
      expect(texts).to.have.length(1)
      expect(texts[0]?.query).to.include('"name" = $1').and.not.include('canary')
      // wrapped, since an async function would wait for a bare promise before the lock is given back
      return { flushed }
    })
    await writing.flushed
  })
})

describe('binding a statement', () => {
  it('turns placeholders into numbers and keeps fragments and identifiers as text', () => {
    const fragment = raw('now() - ?::interval', ['1 day'])
    expect(
      bind('select ?? from t where a = ? and b in (?) and c > ? and d = \\?', [
        'col',
        1,
        ['x', 'y'],
        fragment,
      ]),
    ).to.deep.equal({
      sql: `select "col" from t where a = $1 and b in ($2, $3) and c > now() - $4::interval and d = ?`,
      parameters: [1, 'x', 'y', '1 day'],
    })
  })

  it('binds what would be dangerous as text', () => {
    const values = [`'; drop table members; --`, '?', '$1', '??', null, true, 1.5]
    expect(bind('values (?, ?, ?, ?, ?, ?, ?)', values)).to.deep.equal({
      sql: 'values ($1, $2, $3, $4, $5, $6, $7)',
      parameters: values,
    })
  })
})
