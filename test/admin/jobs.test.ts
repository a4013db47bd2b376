import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { Problem, defineProblems } from '#platform/problem'
import { declareJobs, declareSchedules } from '#platform/queue/declare-jobs'
import { defineJob, type JobDefinition } from '#platform/queue/define-job'
import { startWorkers, type WorkerSlice } from '#platform/queue/workers'
import { openQueues, type Queues } from '#platform/queue/queues'
import { z } from 'zod'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { redisUrl } from '../support/servers.ts'
import { anyJob, calmLimits, eventually } from '../platform/queue/fixture.ts'

const problems = defineProblems('test', {
  broken: { kind: 'unprocessable', title: 'The ladder is broken', advice: '' },
})

const organisationId = '01900000-0000-7000-8000-00000000000a'

for (const kind of ['redis', 'postgres'] as const) {
  describe(`jobs over tRPC, the queues on ${kind}`, () => {
    let business: Business
    let queues: Queues
    let operator: AdminClient
    let viewer: AdminClient
    let slice: WorkerSlice
    let queue = ''
    let isBroken = true
    const payload = z.strictObject({ word: z.string().min(1), organisationId: z.uuid().optional() })
    let job: JobDefinition<WorkerSlice, typeof payload>
    let blocker: PromiseWithResolvers<void>

    before(async function () {
      const url = redisUrl()
      if (kind === 'redis' && url === undefined) {
        this.skip()
      }
      business = await openBusiness()
      queues = await openQueues(
        {
          redisUrl: kind === 'redis' ? url : undefined,
          databaseUrl: business.url,
          producerTimeoutMs: 1000,
          workersCount: 1,
        },
        business,
      )
      queue = `admin-jobs-${kind}-${process.pid}`
      blocker = Promise.withResolvers()
      job = defineJob({
        ...anyJob,
        queue,
        payload,
        attemptsMax: 1,
        timeoutMs: 20_000,
        async run(_slice: WorkerSlice, { word }) {
          if (word === 'wait') {
            await blocker.promise
          }
          if (word === 'broken' && isBroken) {
            throw new Problem(problems.broken, 'rung 3')
          }
          return { rows: 1 }
        },
      })
      await declareJobs(business, [job])
      await declareSchedules(business, [
        { id: `tick-${kind}`, job, payload: { word: 'tick' }, cadence: { cron: '0 0 1 1 *' } },
      ])
      slice = { ...business, queues }
      startWorkers(slice, [job], calmLimits)
      const origin = await startAdmin(business, { queues })
      const token = async (role: 'viewer' | 'operator') =>
        (await issueAdminToken(business, { name: role, role })).text
      operator = adminClient(origin, await token('operator'))
      viewer = adminClient(origin, await token('viewer'))
    })

    beforeEach(() => {
      isBroken = true
    })

    after(async () => {
      blocker?.resolve()
      await business?.lifecycle.stop()
    })

    /** Enqueues and waits until it has ended as it must. */
    async function end(
      word: string,
      state: 'completed' | 'failed',
      more: object = {},
    ): Promise<string> {
      const jobId = await queues.enqueue(job, { word, ...more })
      await ended(jobId, state)
      return jobId
    }

    const ended = (jobId: string, state: 'completed' | 'failed') =>
      eventually(async () =>
        (await queues.queue(queue).getJobState(jobId)) === state ? true : undefined,
      )

    it('counts what waits, runs and failed, and says how long the next one has waited', async () => {
      // a worker that has only just begun may still take one
      await end('first', 'completed')
      await operator.jobs.pause.mutate({ queue })
      try {
        await queues.enqueue(job, { word: 'later' })
        const [state] = await viewer.jobs.queues.query()
        expect(state).to.include({ queue, isPaused: true, waiting: 1, active: 0 })
        expect(state?.oldestWaitingSeconds).to.be.a('number')
      } finally {
        await operator.jobs.resume.mutate({ queue })
      }
      await eventually(async () => ((await queues.counts(queue)).waiting === 0 ? true : undefined))
    })

    it('finds a run by each of what it is known by, also when its queue has forgotten it', async () => {
      const jobId = await end('broken', 'failed', { organisationId })
      await (await queues.queue(queue).getJob(jobId))?.remove()
      const traceId = 'ab'.repeat(16)
      await business.db.run(sql`update job_runs set trace_id = ${traceId} where bull_id = ${jobId}`)
      const found = async (filter: Parameters<typeof viewer.jobs.list.query>[0]) => {
        const { runs } = await viewer.jobs.list.query({ ...filter, jobId })
        return runs.map((run) => run.jobId)
      }
      const [run] = (await viewer.jobs.list.query({ jobId })).runs
      expect(run).to.deep.include({ queue, name: 'say', state: 'failed', organisationId })
      const byEach = [
        { runId: run?.id },
        { queue },
        { name: 'say' },
        { organisationId },
        { state: 'failed' },
        { text: 'RUNG 3' },
        { traceId },
      ] as const
      for (const filter of byEach) {
        expect(await found(filter), JSON.stringify(filter)).to.deep.equal([jobId])
      }
      expect(await found({ text: 'rung_3' })).to.deep.equal([])
      expect(await found({ state: 'completed' })).to.deep.equal([])
      expect((await viewer.jobs.get.query({ queue, jobId })).state).to.equal('unknown')
    })

    it('lists page by page without losing or repeating a run', async () => {
      for (const word of ['a', 'b', 'c', 'd', 'e']) {
        await end(word, 'completed')
      }
      const all = (await viewer.jobs.list.query({ queue, limit: 100 })).runs.map(({ id }) => id)
      const paged: string[] = []
      for (let hasMore = true; hasMore;) {
        const before = paged.at(-1)
        const page = await viewer.jobs.list.query({ queue, limit: 2, ...(before && { before }) })
        paged.push(...page.runs.map(({ id }) => id))
        ;({ hasMore } = page)
      }
      expect(paged).to.deep.equal(all)
    })

    it('runs a job again that was given up, and closes its dead letter', async () => {
      const jobId = await end('broken', 'failed')
      isBroken = false
      expect(await operator.jobs.retry.mutate({ queue, jobId })).to.deep.equal({ jobId })
      await ended(jobId, 'completed')
      const known = await viewer.jobs.get.query({ queue, jobId })
      expect(known.runs.map(({ state }) => state)).to.deep.equal(['completed', 'failed'])
      expect(known.deadLetters.map(({ resolution }) => resolution)).to.deep.equal(['replayed'])
    })

    it('runs it again with another payload, as a new job, when that fits', async () => {
      const jobId = await end('broken', 'failed')
      const misfit = operator.jobs.retryWith.mutate({ queue, jobId, payload: { word: '' } })
      const refusal = await refusalOf(misfit)
      expect(refusal.data).to.deep.include({ code: 'BAD_REQUEST', slug: 'queue/payload-invalid' })
      const { jobId: newId } = await operator.jobs.retryWith.mutate({
        queue,
        jobId,
        payload: { word: 'whole' },
      })
      expect(newId).not.to.equal(jobId)
      await ended(newId, 'completed')
      const { deadLetters } = await viewer.jobs.get.query({ queue, jobId })
      expect(deadLetters[0]).to.include({ resolution: 'replayed', replayJobId: newId })
    })

    it('replays dead letters, each once', async () => {
      const jobIds = [await end('broken', 'failed'), await end('broken', 'failed')]
      const letters = await viewer.jobs.deadLetters.query({ queue })
      const ids = letters.flatMap(({ id, jobId }) => (jobIds.includes(jobId) ? [id] : []))
      expect(ids).to.have.length(2)
      isBroken = false
      const { jobIds: replayed } = await operator.jobs.replay.mutate({ ids })
      expect(replayed.toSorted()).to.deep.equal(ids.map((id) => `replay-${id}`).toSorted())
      expect(await operator.jobs.replay.mutate({ ids })).to.deep.equal({ jobIds: [] })
      await Promise.all(replayed.map((jobId) => ended(jobId, 'completed')))
    })

    it('takes a job out that was given up', async () => {
      const jobId = await end('broken', 'failed')
      await operator.jobs.remove.mutate({ queue, jobId })
      const known = await viewer.jobs.get.query({ queue, jobId })
      expect(known.state).to.equal('unknown')
      expect(known.deadLetters[0]?.resolution).to.equal('discarded')
    })

    it('runs a declared job now', async () => {
      const { jobId } = await operator.jobs.runNow.mutate({
        queue,
        name: 'say',
        payload: { word: 'now' },
      })
      await ended(jobId, 'completed')
    })

    it('lists what there is when it is asked for nothing in particular', async () => {
      await end('plain', 'completed')
      expect((await viewer.jobs.list.query()).runs).not.to.have.length(0)
      expect(await viewer.jobs.deadLetters.query()).to.be.an('array')
    })

    it('shows the schedules', async () => {
      const [schedule] = await viewer.jobs.schedules.query()
      expect(schedule).to.deep.include({
        id: `tick-${kind}`,
        queue,
        name: 'say',
        cadence: { cron: '0 0 1 1 *' },
        isLate: false,
      })
    })

    describe('refuses', () => {
      const codeOf = async (call: Promise<unknown>) => {
        const { data } = await refusalOf(call)
        return data && 'slug' in data ? `${data.code} ${data.slug}` : data?.code
      }

      it('to retry or remove a job that runs just now', async () => {
        const jobId = await queues.enqueue(job, { word: 'wait' })
        await eventually(async () =>
          (await queues.queue(queue).getJobState(jobId)) === 'active' ? true : undefined,
        )
        expect(await codeOf(operator.jobs.retry.mutate({ queue, jobId }))).to.equal(
          'CONFLICT queue/job-not-failed',
        )
        expect(await codeOf(operator.jobs.remove.mutate({ queue, jobId }))).to.equal(
          'CONFLICT queue/job-active',
        )
        blocker.resolve()
        await ended(jobId, 'completed')
      })

      it('to retry a job that was done', async () => {
        const jobId = await end('fine', 'completed')
        await (await queues.queue(queue).getJob(jobId))?.remove()
        expect(await codeOf(operator.jobs.retry.mutate({ queue, jobId }))).to.equal(
          'CONFLICT queue/job-not-failed',
        )
      })

      it('jobs that nobody knows', async () => {
        const nowhere = { queue, jobId: 'nowhere' }
        expect(await codeOf(operator.jobs.retry.mutate(nowhere))).to.equal(
          'NOT_FOUND queue/job-missing',
        )
        expect(await codeOf(viewer.jobs.get.query(nowhere))).to.equal('NOT_FOUND queue/job-missing')
        const unknown = { queue, name: 'nobody', payload: {} }
        expect(await codeOf(operator.jobs.runNow.mutate(unknown))).to.equal(
          'NOT_FOUND queue/job-unknown',
        )
      })

      it('payloads that do not fit, and enqueues nothing', async () => {
        const misfit = { queue, name: 'say', payload: { word: 'x', more: true } }
        expect(await codeOf(operator.jobs.runNow.mutate(misfit))).to.equal(
          'BAD_REQUEST queue/payload-invalid',
        )
      })

      it('viewers who would change something', async () => {
        const one = { queue, jobId: 'any' }
        for (const call of [
          () => viewer.jobs.retry.mutate(one),
          () => viewer.jobs.remove.mutate(one),
          () => viewer.jobs.pause.mutate({ queue }),
          () => viewer.jobs.resume.mutate({ queue }),
          () => viewer.jobs.runNow.mutate({ queue, name: 'say', payload: { word: 'x' } }),
          () => viewer.jobs.replay.mutate({ ids: [organisationId] }),
          () => viewer.jobs.retryWith.mutate({ ...one, payload: {} }),
        ]) {
          expect(await codeOf(call())).to.equal('FORBIDDEN')
        }
      })
    })
  }).timeout(30_000)
}
