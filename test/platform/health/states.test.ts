import { expect } from 'chai'
import { sql } from 'kysely'
import { fxCheck } from '#fx'
import { ledgerCheck } from '#payments'
import type { Check } from '#platform/health/check'
import { createHealth } from '#platform/health/health'
import { queueCheck } from '#platform/health/platform-checks'
import { backlogCheck, outboxCheck, workCheck } from '#platform/health/work-checks'
import { deadLettersCheck } from '#platform/health/worker-checks'
import { openQueues, type Queues } from '#platform/queue/queues'
import { defineJob } from '#platform/queue/define-job'
import { declareJobs } from '#platform/queue/declare-jobs'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../../support/business.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { addPostings } from '../../support/ledger.ts'
import { openTcpGate } from '../../support/tcp-gate.ts'
import { addLinks } from '../../support/links.ts'
import { redisUrl } from '../../support/servers.ts'
import { anyJob, eventually } from '../queue/fixture.ts'

// Every check in every state that it knows, each brought about by what would really be there.

const day = 86_400
const say = defineJob({ ...anyJob, queue: 'states', run: async () => ({}) })

describe('what is wrong, as health tells it', () => {
  let business: Business
  let tenant: Tenant
  let clock: TestClock

  beforeEach(async () => {
    clock = createTestClock(new Date('2026-03-02T12:00:00Z'))
    business = await openBusiness({ clock, fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
  })
  afterEach(() => business.lifecycle.stop())

  /** The state of a check, and what the whole then says; the rest is well. */
  async function of(check: Check) {
    const health = createHealth({ version: '1', checks: [], details: [check] }, business)
    const { status, checks } = await health.detailed()
    const told: Record<string, unknown> = { ...checks[check.name], whole: status }
    return told
  }

  describe('fx', () => {
    const check = () => fxCheck(business.fx, business.db)
    const batch = (status: string, at: string) =>
      business.db.run(sql`
        insert into fx_batches (provider, status, started_at, finished_at, http_calls, latency_ms, error)
        values ('ecb', ${status}, ${at}::timestamptz, ${at}::timestamptz, 1, 1,
                ${status === 'stored' ? null : 'HTTP 503'})`)

    it('fails where there is no rate', async () => {
      expect(await of(check())).to.deep.include({ status: 'fail', whole: 'degraded' })
    })

    it('passes while the newest rate may be frozen, to the second, and fails when it is older', async () => {
      await publishRates(business, ecbRates, new Date('2026-03-02T00:00:00Z'))
      expect(await of(check())).to.deep.include({ status: 'pass', oldest_rate_s: day / 2 })
      await clock.advance(5.5 * day * 1000)
      expect(await of(check())).to.deep.include({ status: 'pass', oldest_rate_s: 6 * day })
      await clock.advance(1000)
      expect(await of(check())).to.deep.include({ status: 'fail', whole: 'degraded' })
    })

    it('fails when the only publisher failed last, and passes once it has answered again', async () => {
      await publishRates(business, ecbRates, new Date('2026-03-02T00:00:00Z'))
      await sql`update fx_batches set started_at = '2026-03-02T01:00:00Z', finished_at = '2026-03-02T01:00:00Z'`.execute(
        business.db.fork().getKysely(),
      )
      await batch('failed', '2026-03-02T11:00:00Z')
      expect(await of(check())).to.deep.include({ status: 'fail', failing: 1 })
      await batch('stored', '2026-03-02T11:30:00Z')
      expect(await of(check())).to.deep.include({ status: 'pass', failing: 0 })
    })
  })

  describe('outbox', () => {
    const write = (seconds: number) =>
      business.db.run(sql`
        insert into outbox_events (organisation_id, topic, aggregate_id, payload, created_at)
        values (${tenant.organisationId}::uuid, 'payment-link.created', gen_random_uuid(), '{}',
                clock_timestamp() - make_interval(secs => ${seconds}))`)

    it('passes while the relay has a minute, and warns of what waits longer', async () => {
      expect(await of(outboxCheck(business))).to.deep.include({ status: 'pass', lag_s: 0 })
      await write(30)
      expect(await of(outboxCheck(business))).to.include({ status: 'pass' })
      await business.db.run(
        sql`update outbox_events set created_at = created_at - interval '1 hour'`,
      )
      const late = await of(outboxCheck(business))
      expect(late).to.include({ status: 'warn', whole: 'degraded' })
      expect(late['lag_s']).to.be.within(3_630, 3_700)
      await business.db.run(sql`update outbox_events set published_at = clock_timestamp()`)
      expect(await of(outboxCheck(business))).to.deep.include({ status: 'pass', lag_s: 0 })
    })
  })

  describe('queue', () => {
    let queues: Queues
    const open = (url: string | undefined) =>
      openQueues({ redisUrl: url, databaseUrl: business.url, producerTimeoutMs: 500 }, business)

    it('fails while its Redis says nothing or is gone, and passes when it answers', async function () {
      const url = redisUrl()
      if (url === undefined) {
        this.skip()
      }
      const real = await openBusiness()
      const gated = new URL(url)
      const gate = await openTcpGate(Number(gated.port))
      gated.port = String(gate.port)
      queues = await openQueues(
        { redisUrl: gated.href, databaseUrl: real.url, producerTimeoutMs: 500 },
        real,
      )
      const report = async () =>
        await createHealth({ version: '1', checks: [queueCheck(queues)] }, real).report()
      const well = { healthy: true, status: 'healthy', backend: 'redis' }
      expect((await report()).services['queue']).to.include(well)
      const held = gate.hold()
      const frozen = await report()
      expect(frozen).to.include({ status: 'degraded' })
      expect(frozen.services['queue']).to.include({ healthy: false })
      held.open()
      await queues.ping()
      expect((await report()).services['queue']).to.include(well)
      gate.cut()
      const refused = await eventually(async () => {
        const { queue } = (await report()).services
        return queue?.healthy === false && !('reason' in queue) ? queue : undefined
      })
      expect(refused).to.include({ status: 'unhealthy', backend: 'redis' })
      await real.lifecycle.stop()
      await gate.close()
    })

    it('warns of a job that has waited for more than five minutes, and of a paused queue', async () => {
      queues = await open(undefined)
      await declareJobs(business, [say])
      const check = backlogCheck({ ...business, queues })
      expect(await of(check)).to.deep.include({ status: 'pass', waiting: 0, paused: 0 })
      await queues.enqueue(say, { word: 'hello' })
      const soon = await of(check)
      expect(soon).to.include({ waiting: 1 })
      // the queue dates jobs by this machine's clock
      clock.setWallTime(new Date(Date.now() + 300_000))
      expect(await of(check)).to.include({ status: 'pass', waiting: 1 })
      clock.setWallTime(new Date(Date.now() + 310_000))
      expect(await of(check)).to.include({ status: 'warn', whole: 'degraded' })
      clock.setWallTime(new Date(Date.now()))
      await queues.ask(say.queue, (queue) => queue.pause())
      expect(await of(check)).to.include({ status: 'warn', paused: 1 })
      await queues.ask(say.queue, (queue) => queue.resume())
      expect(await of(check)).to.include({ status: 'pass' })
    })

    it('counts from the time that a job was for, not from when it was made', async () => {
      queues = await open(undefined)
      await declareJobs(business, [say])
      await queues.ask(say.queue, async (queue) => {
        const job = await queue.add('say', { word: 'later' }, { delay: 400_000 })
        await job.promote()
      })
      clock.setWallTime(new Date(Date.now() + 450_000))
      const told = await of(backlogCheck({ ...business, queues }))
      expect(told).to.include({ status: 'pass', waiting: 1 })
      expect(told['oldest_s']).to.be.within(45, 60)
    })

    it('as the API knows it: warns where no worker ever ran, and fails when a schedule is late', async () => {
      const check = workCheck({ db: business.db, clock })
      expect(await of(check)).to.deep.include({ status: 'warn', schedules: 0 })
      await business.db.run(sql`
        insert into job_schedules (id, queue, name, payload, every_ms, first_declared_at, declared_at)
        values ('say', 'states', 'say', '{}', 60000, ${clock.now().toISOString()}::timestamptz, now())`)
      expect(await of(check)).to.deep.include({ status: 'pass', schedules: 1, late: 0 })
      await clock.advance(600_000)
      expect(await of(check)).to.deep.include({ status: 'fail', late: 1, whole: 'degraded' })
    })

    it('warns of jobs that were given up, until somebody decides', async () => {
      expect(await of(deadLettersCheck(business))).to.include({ status: 'pass', open: 0 })
      await business.db.run(sql`
        insert into dead_letters (queue, name, job_id, payload, reason, attempts, error, died_at)
        values ('states', 'say', '1', '{}', 'attempts-used-up', 3, 'no', now())`)
      expect(await of(deadLettersCheck(business))).to.include({ status: 'warn', open: 1 })
    })
  })

  describe('ledger', () => {
    const check = () => ledgerCheck(business)
    /** As a restore does, or who switches triggers off. */
    const pastTriggers = (statement: ReturnType<typeof sql>) =>
      business.db.fork().transactional(async (em) => {
        await em.execute(`set local session_replication_role = 'replica'`)
        await statement.execute(em.getKysely())
      })

    beforeEach(async () => {
      await publishRates(business, ecbRates, clock.now())
      const [linkId = ''] = await addLinks(business, tenant, 1)
      await addPostings(business, tenant, { linkId, count: 3 })
    })

    it('passes while what was debited was credited', async () => {
      expect(await of(check())).to.deep.include({ status: 'pass', balanced: true, unbalanced: 0 })
    })

    it('fails for an entry without its other side, that came past the triggers', async () => {
      await pastTriggers(
        sql`delete from ledger_entries where id = (select max(id) from ledger_entries)`,
      )
      expect(await of(check())).to.deep.include({
        status: 'fail',
        balanced: false,
        unbalanced: 1,
        whole: 'degraded',
      })
    })

    it('fails for balances that do not add up in one asset', async () => {
      const set = (debit: number, credit: number) =>
        business.db.run(sql`
          insert into ledger_balances (account_id, posted_debit, posted_credit)
          select id, case normal_side when 'D' then ${debit}::bigint else 0 end,
                 case normal_side when 'C' then ${credit}::bigint else 0 end
            from ledger_accounts where code in ('cash1', 'sales1')
              on conflict (account_id, shard) do update
             set posted_debit = excluded.posted_debit, posted_credit = excluded.posted_credit`)
      await set(1250, 1250)
      expect(await of(check())).to.include({ status: 'pass' })
      await set(1250, 1249)
      expect(await of(check())).to.deep.include({ status: 'fail', balanced: false, unbalanced: 0 })
    })
  })
}).timeout(30_000)
