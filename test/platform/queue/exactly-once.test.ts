import { expect } from 'chai'
import { sql } from 'kysely'
import { defineJob, type JobDefinition, type JobRun } from '#platform/queue/define-job'
import { completeWith, recordStart } from '#platform/queue/job-runs'
import { startWorkers } from '#platform/queue/workers'
import {
  anyJob,
  type anyPayload,
  backends,
  calmLimits,
  eventually,
  processesOn,
  type Opened,
} from './fixture.ts'

type Job = JobDefinition<Opened, typeof anyPayload>

for (const kind of backends) {
  describe(`effects of jobs on ${kind}`, () => {
    const { open } = processesOn(kind, 'by all specs')
    let count = 0

    before(async () => {
      const { db } = await open()
      await db.run(sql`create table effects (queue text, word text)`)
    })

    /** Its effect is a row, written through `once`. */
    function jobWith(
      before: (run: JobRun) => Promise<void> = async () => {},
      more: Partial<Job> = {},
    ): Job {
      count += 1
      const queue = `once-${kind}-${process.pid}-${count}`
      return defineJob({
        queue,
        ...anyJob,
        async run(_slice: Opened, { word }, run) {
          await before(run)
          return run.once(async (tx) => {
            await tx.run(sql`insert into effects values (${queue}, ${word})`)
            return { rows: 1 }
          })
        },
        ...more,
      })
    }

    const effectsOf = async ({ db }: Opened, { queue }: Job) => {
      const rows = await db.run(
        sql<{ word: string }>`select word from effects where queue = ${queue}`,
      )
      return rows.map(({ word }) => word)
    }

    const statesOf = async ({ db }: Opened, { queue }: Job) => {
      const rows = await db.run(sql<{ state: string }>`
        select state from job_runs where queue = ${queue} order by started_at, id`)
      return rows.map(({ state }) => state)
    }

    it('are in the database together with the record that the job is done', async () => {
      const one = await open()
      const job = jobWith()
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'lantern' })
      const [row] = await eventually(async () => {
        const found = await one.db.run(sql<{ state: string; rows_affected: number }>`
          select state, rows_affected from job_runs where queue = ${job.queue} and rows_affected is not null`)
        return found.length > 0 ? found : undefined
      })
      expect(row).to.deep.equal({ state: 'completed', rows_affected: 1 })
      expect(await effectsOf(one, job)).to.deep.equal(['lantern'])
    })

    it('are not there when they fail half-way, and come once when they succeed', async () => {
      const one = await open()
      let attempts = 0
      const queue = `half-way-${kind}-${process.pid}`
      const job: Job = jobWith(undefined, {
        queue,
        run: (_slice, { word }, run) =>
          run.once(async (tx) => {
            await tx.run(sql`insert into effects values (${queue}, ${word})`)
            attempts += 1
            if (attempts === 1) {
              throw new Error('half-way')
            }
            return {}
          }),
      })
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () =>
        (await statesOf(one, job)).includes('completed') ? true : undefined,
      )
      expect(await statesOf(one, job)).to.deep.equal(['failed', 'completed'])
      expect(await effectsOf(one, job)).to.deep.equal(['x'])
    })

    it('happen once though a worker lost the job to another while it was frozen, and then went on', async () => {
      const [one, two] = [await open(), await open()]
      const frozen = Promise.withResolvers<void>()
      let isFirst = true
      const job = jobWith(async () => {
        if (isFirst) {
          isFirst = false
          await frozen.promise
        }
      })
      startWorkers(one, [job], calmLimits)
      const jobId = await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () => ((await statesOf(one, job)).length === 1 ? true : undefined))
      // what a second worker does when the lock of the first has run out
      const described = { queue: job.queue, jobId, name: job.name, payload: { word: 'x' } }
      const more = { attempt: 2, traceId: undefined, organisationId: undefined }
      const secondRun = await recordStart(two, { ...described, ...more })
      await completeWith(two, { queue: job.queue, jobId }, secondRun ?? '', async (tx) => {
        await tx.run(sql`insert into effects values (${job.queue}, 'by the second')`)
      })
      frozen.resolve()
      await eventually(async () =>
        (await one.queues.counts(job.queue)).active === 0 ? true : undefined,
      )
      expect(await effectsOf(one, job)).to.deep.equal(['by the second'])
      expect(await statesOf(one, job)).to.deep.equal(['failed', 'completed'])
    })

    it('are left to the worker that has taken over, though the first goes on before that has ended', async () => {
      const [one, two] = [await open(), await open()]
      const frozen = Promise.withResolvers<void>()
      const job = jobWith(() => frozen.promise, { attemptsMax: 1 })
      startWorkers(one, [job], calmLimits)
      const jobId = await one.queues.enqueue(job, { word: 'by the first' })
      await eventually(async () => ((await statesOf(one, job)).length === 1 ? true : undefined))
      const described = { queue: job.queue, jobId, name: job.name, payload: null, attempt: 2 }
      const more = { traceId: undefined, organisationId: undefined }
      const secondRun = await recordStart(two, { ...described, ...more })
      frozen.resolve()
      await eventually(async () =>
        (await one.queues.counts(job.queue)).active === 0 ? true : undefined,
      )
      expect(await effectsOf(one, job)).to.deep.equal([])
      await completeWith(two, { queue: job.queue, jobId }, secondRun ?? '', async (tx) => {
        await tx.run(sql`insert into effects values (${job.queue}, 'by the second')`)
      })
      expect(await effectsOf(one, job)).to.deep.equal(['by the second'])
      expect(await statesOf(one, job)).to.deep.equal(['failed', 'completed'])
    })

    it('happen once though any number of runs of a job come to their end at the same time', async () => {
      const one = await open()
      const queue = `racing-${kind}-${process.pid}`
      const job = { queue, jobId: 'the-one' }
      const described = {
        ...job,
        name: 'say',
        payload: null,
        traceId: undefined,
        organisationId: undefined,
      }
      // as if each had begun before it saw the others
      const runs = await Promise.all(
        [1, 2, 3, 4].map(async (attempt) => {
          const id = one.random.uuid()
          await one.db.run(sql`
            insert into job_runs (id, queue, name, bull_id, state, attempt, started_at)
            values (${id}, ${queue}, ${described.name}, ${job.jobId}, 'active', ${attempt}, now())`)
          return id
        }),
      )
      const ends = await Promise.allSettled(
        runs.map((runId) =>
          completeWith(one, job, runId, async (tx) => {
            await tx.run(sql`insert into effects values (${queue}, 'x')`)
            await one.clock.sleep(20)
          }),
        ),
      )
      expect(ends.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
      const rows = await one.db.run(sql`select 1 from effects where queue = ${queue}`)
      expect(rows).to.have.length(1)
      expect(await recordStart(one, { ...described, attempt: 5 })).to.equal(undefined)
    })

    it('happen once for all jobs of an idempotency key, also when the queue has forgotten the first', async () => {
      const one = await open()
      const job = jobWith(undefined, { idempotencyKey: ({ word }) => word })
      startWorkers(one, [job], calmLimits)
      const first = await one.queues.enqueue(job, { word: 'x' })
      expect(await one.queues.enqueue(job, { word: 'x' })).to.equal(first)
      await eventually(async () => ((await effectsOf(one, job)).length > 0 ? true : undefined))
      await eventually(async () =>
        (await one.queues.queue(job.queue).getJobState(first)) === 'completed' ? true : undefined,
      )
      await (await one.queues.queue(job.queue).getJob(first))?.remove()
      expect(await one.queues.enqueue(job, { word: 'x' })).to.equal(first)
      await one.queues.enqueue(job, { word: 'y' })
      await eventually(async () => ((await effectsOf(one, job)).includes('y') ? true : undefined))
      await eventually(async () =>
        (await one.queues.queue(job.queue).getJobState(first)) === 'completed' ? true : undefined,
      )
      expect((await effectsOf(one, job)).toSorted()).to.deep.equal(['x', 'y'])
    })

    it('say how far they are while they come about', async () => {
      const one = await open()
      const said = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const job = jobWith(async (run) => {
        await run.progress(3, 12)
        said.resolve()
        await goOn.promise
      })
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'x' })
      await said.promise
      const [row] = await one.db.run(sql<{ progress_ratio: number }>`
        select progress_ratio::float8 from job_runs where queue = ${job.queue}`)
      expect(row?.progress_ratio).to.equal(0.25)
      goOn.resolve()
      await eventually(async () => ((await effectsOf(one, job)).length > 0 ? true : undefined))
    })
  })
}
