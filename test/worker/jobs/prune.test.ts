import { issueAdminToken } from '#members'
import { expect } from 'chai'
import { sql, type RawBuilder } from 'kysely'
import type { JobResult, JobRun } from '#platform/queue/define-job'
import { pruneAnswers } from '../../../worker/jobs/prune-idempotency-keys.ts'
import { pruneEvents } from '../../../worker/jobs/prune-outbox-events.ts'
import { pruneOldReports } from '../../../worker/jobs/prune-reports.ts'
import { pruneRuns } from '../../../worker/jobs/prune-job-runs.ts'
import { addTenant, openBusiness, type Business } from '../../support/business.ts'
import { createTestClock } from '../../support/clock.ts'
import { jobRun } from '../../support/job-run.ts'
import { recordStatements } from '../../support/statements.ts'

const startAt = new Date('2026-06-01T12:00:00Z')
const ago = (days: number): RawBuilder<unknown> =>
  sql`${startAt.toISOString()}::timestamptz - make_interval(days => ${days})`

type Pruning = {
  readonly table: string
  readonly job: {
    readonly name: string
    run(slice: Business, payload: Record<string, never>, run: JobRun): Promise<JobResult>
  }
  readonly batchRows: number
  /** Rows that are over. */
  readonly addDue: (business: Business, count: number) => Promise<unknown>
  /** Rows that must stay, each for another reason. */
  readonly addKept: (business: Business) => Promise<unknown>
  readonly keptCount: number
}

const addRuns = (
  { db }: Business,
  count: number,
  { name = 'sweep', state = 'completed', days = 40, payload = '{}' },
): Promise<unknown> =>
  db.run(sql`
    insert into job_runs (id, queue, name, bull_id, state, payload, attempt, started_at, finished_at)
    select uuid_v7(), 'test', ${name}, '1', ${state}, ${payload}::jsonb, 1, ${ago(days)} + n * interval '1 second',
           case when ${state} <> 'active' then ${ago(days)} + n * interval '1 second' end
      from generate_series(1, ${count}::integer) as n`)

type Delivered = 'open' | 'done' | 'dead'

const addEvents = (
  { db }: Business,
  count: number,
  {
    created = 40,
    published = 31,
    delivered,
    deliveredDays = 31,
  }: {
    created?: number
    published?: number | null
    delivered?: Delivered
    deliveredDays?: number
  } = {},
): Promise<unknown> =>
  // Without triggers: each event would take a lock of its own, thousands in one transaction.
  db.fork().transactional(async (em) => {
    const kysely = em.getKysely<Record<string, never>>()
    await sql`set local session_replication_role = replica`.execute(kysely)
    await sql`
    with event as (
      insert into outbox_events (topic, aggregate_id, payload, created_at, published_at)
      select 'test', uuid_v7(), '{}', ${ago(created)}, ${published === null ? sql`null` : ago(published)}
        from generate_series(1, ${count}::integer)
      returning id, aggregate_id)
    insert into event_deliveries (event_id, subscriber, aggregate_id, outcome, ended_at)
    select id, subscriber, aggregate_id, outcome, case when outcome is not null then ${ago(deliveredDays)} end
      from event, (values ('first', 'done'), ('second', nullif(${delivered ?? null}::text, 'open'))) as delivery (subscriber, outcome)
     where ${delivered !== undefined}`.execute(kysely)
  })

const addAnswers = ({ db }: Business, count: number, expiresAt: string): Promise<unknown> =>
  db.run(sql`
    insert into idempotency_keys (organisation_id, route, key, request_hash, response_status, response_headers,
                                  response_body, expires_at)
    select id, '/test', uuid_v7()::text, '', 201, '{}', '{}', now() + ${expiresAt}::interval
      from organisations, generate_series(1, ${count}::integer)`)

const addAdminAnswers = async (business: Business, count: number, expiresAt: string) => {
  const { id } = await issueAdminToken(business, { name: 'Ada', role: 'operator' })
  await business.db.run(sql`
    insert into admin_answers (admin_token_id, procedure, key, request_hash, locked_until, expires_at)
    select ${id}::uuid, 'flags.set', n::text, '', now(), now() + ${expiresAt}::interval
      from generate_series(1, ${count}::integer) as n`)
}

const addReports = ({ db }: Business, count: number, kind: string, days: number) =>
  db.run(sql`
    insert into reports (kind, created_at, figures, body)
    select ${kind}, ${ago(days)}, '{}', '{}' from generate_series(1, ${count}::integer)`)

const prunings: readonly Pruning[] = [
  {
    table: 'idempotency_keys',
    job: pruneAnswers,
    batchRows: 2000,
    addDue: (business, count) => addAnswers(business, count, '-1 second'),
    addKept: (business) => addAnswers(business, 1, '5 minutes'),
    keptCount: 1,
  },
  {
    table: 'admin_answers',
    job: pruneAnswers,
    batchRows: 2000,
    addDue: (business, count) => addAdminAnswers(business, count, '-1 second'),
    addKept: (business) => addAdminAnswers(business, 1, '5 minutes'),
    keptCount: 1,
  },
  {
    table: 'job_runs',
    job: pruneRuns,
    batchRows: 5000,
    async addDue(business, count) {
      const failed = Math.floor(count / 2)
      await addRuns(business, failed, { days: 370, state: 'failed' })
      await addRuns(business, count - failed, {})
    },
    async addKept(business) {
      await addRuns(business, 2, { days: 29 })
      // the last time that something was done as its schedule says
      await business.db.run(sql`
        insert into job_schedules (id, queue, name, payload, cron, first_declared_at, declared_at)
        select payload::text, 'test', 'yearly', payload, '0 0 1 1 *', now(), now()
          from unnest(array['{"of": 1}', '{"of": 2}']::jsonb[]) as payload
        on conflict do nothing`)
      await addRuns(business, 1, { name: 'yearly', days: 400, payload: '{"of": 1}' })
      await addRuns(business, 1, { name: 'yearly', days: 300, payload: '{"of": 2}' })
      await addRuns(business, 1, { name: 'yearly', days: 365, state: 'failed' })
      await addRuns(business, 1, { days: 35, state: 'failed' })
      await addRuns(business, 1, { days: 35, state: 'active' })
    },
    keptCount: 7,
  },
  {
    table: 'outbox_events',
    job: pruneEvents,
    batchRows: 5000,
    async addDue(business, count) {
      const half = Math.floor(count / 2)
      await addEvents(business, half, { delivered: 'done' })
      await addEvents(business, count - half - 1)
      await addEvents(business, 1, { delivered: 'dead', deliveredDays: 370 })
    },
    async addKept(business) {
      await addEvents(business, 1, { published: null })
      await addEvents(business, 1, { created: 40, published: 29 })
      await addEvents(business, 1, { created: 400, published: 399, delivered: 'open' })
      await addEvents(business, 1, { delivered: 'dead', deliveredDays: 360 })
    },
    keptCount: 4,
  },
  {
    table: 'reports',
    job: pruneOldReports,
    batchRows: 1000,
    addDue: (business, count) => addReports(business, count, 'indexes', 401),
    async addKept(business) {
      await addReports(business, 2, 'indexes', 399)
      // nothing was found since
      await addReports(business, 1, 'frozen-rates', 800)
    },
    keptCount: 3,
  },
]

for (const { table, job, batchRows, addDue, addKept, keptCount } of prunings) {
  describe(`the job ${job.name}`, () => {
    let business: Business
    before(async () => {
      business = await openBusiness({ clock: createTestClock(startAt) })
      await addTenant(business, 'harbour')
    })
    after(() => business.lifecycle.stop())
    afterEach(() => business.db.run(sql`delete from ${sql.table(table)}`))

    const run = async (from = business): Promise<number> =>
      (await job.run(from, {}, jobRun(from))).rows ?? 0
    const left = async (): Promise<number> => {
      const [row] = await business.db.run<{ count: number }>(
        sql`select count(*)::integer as count from ${sql.table(table)}`,
      )
      return row?.count ?? 0
    }

    it('finds nothing to do in an empty table', async () => {
      expect(await run()).to.equal(0)
    })

    it('deletes what is over, and nothing else', async () => {
      await addDue(business, 3)
      await addKept(business)
      expect(await run()).to.equal(3)
      expect(await left()).to.equal(keptCount)
      expect(await run()).to.equal(0)
    })

    it('deletes a heap of it in short statements, each of so many rows, and stops at its share', async () => {
      const count = Math.min(20_000, batchRows * 10)
      await addDue(business, count)
      await addKept(business)
      const other = await openBusiness({ url: business.url, clock: business.clock })
      const recorded = recordStatements(other.db)
      try {
        expect(await run(other)).to.equal(count)
        const isAtItsShare = table === 'reports'
        expect(recorded.count(table)).to.equal(count / batchRows + (isAtItsShare ? 0 : 1))
      } finally {
        await other.lifecycle.stop()
      }
      expect(await left()).to.equal(keptCount)
    })

    it('deletes each row once although two are at it', async () => {
      const count = batchRows * 3 + 10
      await addDue(business, count)
      await addKept(business)
      const other = await openBusiness({ url: business.url, clock: business.clock })
      try {
        const rows = await Promise.all([run(), run(other)])
        const last = await run()
        expect(rows.reduce((sum, one) => sum + one, last)).to.equal(count)
      } finally {
        await other.lifecycle.stop()
      }
      expect(await left()).to.equal(keptCount)
    })

    it('loses a batch that is interrupted and no other, and goes on in the next attempt', async () => {
      const count = batchRows * 3
      await addDue(business, count)
      await addKept(business)
      await business.db.run(sql`create sequence deaths`)
      await business.db.run(sql`
        create function die() returns trigger language plpgsql as $$ begin
          if nextval('deaths') = ${sql.lit(batchRows + 10)} then perform pg_terminate_backend(pg_backend_pid()); end if;
          return old;
        end $$`)
      await business.db.run(
        sql`create trigger die before delete on ${sql.table(table)} for each row execute function die()`,
      )
      const outcome = await run().catch((error: unknown) => error)
      expect(outcome).to.be.instanceOf(Error)
      expect(await left()).to.equal(keptCount + count - batchRows)
      await business.db.run(sql`drop trigger die on ${sql.table(table)}`)
      expect(await run()).to.equal(count - batchRows)
      expect(await left()).to.equal(keptCount)
    })
  }).timeout(30_000)
}

describe('the job prune-idempotency-keys beside a caller', () => {
  it('passes over an answer that is just being replaced', async () => {
    const business = await openBusiness()
    await addTenant(business, 'harbour')
    await addAnswers(business, 2, '-1 second')
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`update idempotency_keys set expires_at = now() + interval '1 day'
                 where ctid = (select min(ctid) from idempotency_keys)`.execute(db)
      expect(await pruneAnswers.run(business, {}, jobRun(business))).to.deep.equal({ rows: 1 })
    })
    expect(await pruneAnswers.run(business, {}, jobRun(business))).to.deep.equal({ rows: 0 })
    await business.lifecycle.stop()
  })
})

describe('the job prune-job-runs, of dead letters', () => {
  it('deletes those that somebody decided about long ago, and no others', async () => {
    const business = await openBusiness({ clock: createTestClock(startAt) })
    try {
      const letter = (id: string, resolvedDays: number | null) =>
        business.db.run(sql`
          insert into dead_letters (queue, name, job_id, payload, reason, error, attempts, died_at, resolution, resolved_at)
          values ('q', 'n', ${id}, '{}', 'stalled', 'e', 1, ${ago(800)},
                  ${resolvedDays === null ? null : 'replayed'}, ${resolvedDays === null ? sql`null` : ago(resolvedDays)})`)
      await letter('open', null)
      await letter('long ago', 367)
      await letter('lately', 365)
      expect(await pruneRuns.run(business, {}, jobRun(business))).to.deep.equal({ rows: 1 })
      const left = await business.db.run(sql<{ id: string }>`
        select job_id as id from dead_letters order by 1`)
      expect(left.map(({ id }) => id)).to.deep.equal(['lately', 'open'])
    } finally {
      await business.lifecycle.stop()
    }
  })
})
