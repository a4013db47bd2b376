import { expect } from 'chai'
import { sql } from 'kysely'
import { findCaller } from '#members'
import { cancelLink, getLinkForUpdate } from '#payments'
import { transaction } from '#platform/database/transaction'
import { expireDueLinks } from '../../../worker/jobs/expire-links.ts'
import { startApi } from '../../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../../support/business.ts'
import { createTestClock } from '../../support/clock.ts'
import { jobRun } from '../../support/job-run.ts'
import { recordStatements } from '../../support/statements.ts'

const startAt = new Date('2026-06-01T12:00:00Z')
const minutesOff = (minutes: number): Date => new Date(startAt.getTime() + minutes * 60_000)

type Row = {
  readonly id: string
  readonly status: string
  readonly version: number
  readonly updated_at: string
}

describe('the job that expires links', () => {
  let business: Business
  let tenant: Tenant

  beforeEach(async () => {
    business = await openBusiness({ clock: createTestClock(startAt) })
    tenant = await addTenant(business, 'harbour')
  })
  afterEach(() => business.lifecycle.stop())

  const run = async (from = business, signal = new AbortController().signal): Promise<number> =>
    (await expireDueLinks.run(from, {}, jobRun(from, { signal }))).rows ?? 0

  /** Links without rates, as a foreign tool might bring them: what is asked here has nothing to do with rates. */
  async function addDue(
    count: number,
    {
      status = 'open',
      expiresAt = minutesOff(-1),
    }: { status?: string; expiresAt?: Date | null } = {},
  ): Promise<string[]> {
    return business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`set local session_replication_role = replica`.execute(db)
      const { rows } = await sql<{ id: string }>`
        insert into payment_links (organisation_id, short_code, status, currency, accepted_assets, fx_set_id, expires_at)
        select ${tenant.organisationId}, left(md5(random()::text), 12), ${status}, 'GBP', '{EUR,USD,AUD,JPY}', uuid_v7(),
               ${expiresAt?.toISOString() ?? null}::timestamptz
          from generate_series(1, ${count}::integer)
        returning id`.execute(db)
      return rows.map(({ id }) => id)
    })
  }

  const links = (): Promise<readonly Row[]> =>
    business.db.run(sql<Row>`select id, status, version, updated_at from payment_links`)

  const countOf = async (status: string): Promise<number> =>
    (await links()).filter((link) => link.status === status).length

  /** Links that do not have exactly the events that their status asks for: one in each table when expired, else none. */
  async function wrong(): Promise<readonly object[]> {
    return business.db.run<object>(sql`
      with event as (
        select payment_link_id as id, count(*) from payment_events where type = 'expired' group by 1
      ), told as (
        select aggregate_id as id, count(*) from outbox_events where topic = 'payment-link.expired' group by 1
      )
      select link.id, link.status, event.count as event, told.count as told
        from payment_links link left join event using (id) left join told using (id)
       where coalesce(event.count, 0) <> (status = 'expired')::integer
          or coalesce(told.count, 0) <> (status = 'expired')::integer`)
  }

  it('finds nothing to do where there are no links', async () => {
    expect(await run()).to.equal(0)
  })

  it('closes what is open or partly paid and due, and nothing else', async () => {
    const due = [
      ...(await addDue(2)),
      ...(await addDue(1, { status: 'partially_paid' })),
      ...(await addDue(1, { expiresAt: startAt })),
    ]
    for (const status of ['draft', 'paid', 'cancelled', 'expired']) {
      await addDue(1, { status })
    }
    await addDue(1, { expiresAt: minutesOff(0.001) })
    await addDue(1, { expiresAt: null })
    const before = await links()
    expect(await run()).to.equal(due.length)
    const after = await links()
    const changed = after.filter(
      ({ id, version }) => before.find((link) => link.id === id)?.version !== version,
    )
    expect(changed.map(({ id }) => id)).to.have.members(due)
    for (const { status, version, updated_at } of changed) {
      expect({ status, version }).to.deep.equal({ status: 'expired', version: 2 })
      expect(new Date(updated_at)).to.deep.equal(startAt)
    }
    expect(await run()).to.equal(0)
  })

  it('tells of it as every other change of a link is told of', async () => {
    const [expired = ''] = await addDue(1)
    const [cancelled = ''] = await addDue(1, { expiresAt: minutesOff(5) })
    const caller = await findCaller(business.db, tenant.secretKey)
    expect(await run()).to.equal(1)
    await transaction(business, async (tx) => {
      const link = caller && (await getLinkForUpdate(tx, caller, cancelled))
      expect(link && (await cancelLink(tx, business, link))).to.equal(true)
    })
    const rows = await business.db.run<Record<string, unknown>>(sql`
      select e.type, e.organisation_id, e.occurred_at, e.provider, e.payload as event, o.topic, o.organisation_id as of,
             o.payload as told, o.published_at, o.aggregate_id, o.trace_parent
        from payment_events e join outbox_events o on o.aggregate_id = e.payment_link_id
       where e.type <> 'created' order by e.id`)
    const plain = (row: Record<string, unknown> | undefined, id: string, status: string) =>
      JSON.parse(JSON.stringify(row).replaceAll(id, '(id)').replaceAll(status, '(status)'))
    expect(plain(rows[0], expired, 'expired')).to.deep.equal(plain(rows[1], cancelled, 'cancelled'))
  })

  it('passes over a link that somebody holds, waits for nobody, and takes it in the next run', async () => {
    const [held = ''] = await addDue(3)
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`select from payment_links where id = ${held} for update`.execute(db)
      expect(await run()).to.equal(2)
      expect((await links()).find(({ id }) => id === held)?.status).to.equal('open')
    })
    expect(await run()).to.equal(1)
    expect(await wrong()).to.deep.equal([])
  })

  it('leaves a link open whose expiry is moved while the run is at it', async () => {
    const [moved = ''] = await addDue(2)
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`update payment_links set expires_at = ${minutesOff(9).toISOString()}::timestamptz
                 where id = ${moved}`.execute(db)
      expect(await run()).to.equal(1)
    })
    expect(await run()).to.equal(0)
    expect((await links()).find(({ id }) => id === moved)?.status).to.equal('open')
  })

  it('tells of each link once although two workers and a payer are at it', async () => {
    const ids = await addDue(2500)
    const other = await openBusiness({ url: business.url, clock: business.clock })
    let paid = 0
    const pay = async (): Promise<void> => {
      for (const id of ids.slice(0, 300)) {
        await business.db.fork().transactional(async (em) => {
          const db = em.getKysely<Record<string, never>>()
          const { rows } = await sql<Row>`
            select status from payment_links where id = ${id} for update`.execute(db)
          if (rows[0]?.status === 'open') {
            await sql`update payment_links set status = 'paid' where id = ${id}`.execute(db)
            paid += 1
          }
        })
      }
    }
    try {
      await Promise.all([pay(), run(), run(other), run(), run(other)])
      await run()
    } finally {
      await other.lifecycle.stop()
    }
    expect(await countOf('expired')).to.equal(2500 - paid)
    expect(await countOf('paid')).to.equal(paid)
    expect(await wrong()).to.deep.equal([])
  })

  it('leaves nothing of a batch that is interrupted, and does it in the next attempt', async () => {
    await addDue(700)
    // The connection dies in the second batch, after its links were changed and before it commits.
    await business.db.run(sql`
      create function die() returns trigger language plpgsql as $$ begin
        if (select count(*) from outbox_events) > 550 then perform pg_terminate_backend(pg_backend_pid()); end if;
        return new;
      end $$`)
    await business.db.run(
      sql`create trigger die before insert on outbox_events for each row execute function die()`,
    )
    const outcome = await run().catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(Error)
    expect(await countOf('expired')).to.equal(500)
    expect(await wrong()).to.deep.equal([])
    await business.db.run(sql`drop trigger die on outbox_events`)
    expect(await run()).to.equal(200)
    expect(await wrong()).to.deep.equal([])
  })

  it('takes a flood in bounded statements and bounded runs', async () => {
    // In parts, for a busy machine gives a statement its 4 s too.
    for (let part = 0; part < 4; part += 1) {
      await addDue(5_000)
    }
    const other = await openBusiness({ url: business.url, clock: business.clock })
    const { sent } = recordStatements(other.db)
    try {
      expect(await run(other)).to.equal(10_000)
      expect(sent).to.have.length(20)
      expect(await run(other)).to.equal(10_000)
      expect(await run(other)).to.equal(0)
      expect(sent).to.have.length(41)
    } finally {
      await other.lifecycle.stop()
    }
    const [told] = await business.db.run<{ most: number }>(
      sql`select max(json_array_length(rows)) as most from change_log where relation = 'payment_links'`,
    )
    expect(told?.most).to.equal(500)
    expect(await wrong()).to.deep.equal([])
  })

  it('stops between two batches when it is told to', async () => {
    await addDue(1200)
    const stopping = new AbortController()
    const counted = business.db.run.bind(business.db)
    const slice = {
      clock: business.clock,
      db: {
        ...business.db,
        run: async <T>(statement: Parameters<typeof counted<T>>[0]) => {
          const rows = await counted(statement)
          stopping.abort(new Error('the process stops'))
          return rows
        },
      },
    }
    const outcome = await run({ ...business, ...slice }, stopping.signal).catch(String)
    expect(outcome).to.equal('Error: the process stops')
    expect(await countOf('expired')).to.equal(500)
  })

  it('ends what the caches keep of a link, in lists as well', async () => {
    const [id = ''] = await addDue(1)
    const api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
    const read = async (path: string) =>
      (await api.call('GET', path, { as: tenant.secretKey })).json
    const own = `/api/v2/payment-links/${id}`
    const open = '/api/v2/payment-links?status=open'
    expect((await read(own)).data.status).to.equal('open')
    expect((await read(open)).data).to.have.length(1)
    expect(await run()).to.equal(1)
    expect((await read(own)).data).to.include({ status: 'expired', version: 2 })
    expect((await read(open)).data).to.deep.equal([])
  })
}).timeout(30_000)
