import { expect } from 'chai'
import { sql } from 'kysely'
import { Problem, defineProblems } from '#platform/problem'
import { collectDeadLetters } from '#platform/queue/collect-dead-letters'
import { declareJobs } from '#platform/queue/declare-jobs'
import { findLetters } from '#platform/queue/dead-letters'
import { defineJob, type JobDefinition } from '#platform/queue/define-job'
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

const problems = defineProblems('test', {
  hopeless: { kind: 'unprocessable', title: 'Hopeless', advice: '' },
})

type Job = JobDefinition<Opened, typeof anyPayload>

for (const kind of backends) {
  describe(`jobs that are given up on ${kind}`, () => {
    const { open } = processesOn(kind, 'by all specs')
    let count = 0

    function jobThat(run: Job['run'], more: Partial<Job> = {}): Job {
      count += 1
      return defineJob({
        queue: `given-up-${kind}-${process.pid}-${count}`,
        ...anyJob,
        run,
        ...more,
      })
    }

    const lettersOf = (one: Opened, { queue }: { queue: string }) => findLetters(one, { queue }, 10)
    const firstLetter = (one: Opened, job: Job) =>
      eventually(async () => (await lettersOf(one, job))[0])

    it('are kept with what they were, why they died and of which attempt', async () => {
      const one = await open()
      const job = jobThat(async () => {
        throw new Error('the shelf is empty')
      })
      startWorkers(one, [job], calmLimits)
      const jobId = await one.queues.enqueue(job, { word: 'lantern' })
      expect(await firstLetter(one, job)).to.deep.include({
        queue: job.queue,
        name: 'say',
        jobId,
        payload: { word: 'lantern' },
        reason: 'attempts-used-up',
        error: 'the shelf is empty',
        attempts: 3,
        resolution: null,
      })
    })

    it('are given up at once when trying again is of no use', async () => {
      const one = await open()
      const job = jobThat(async () => {
        throw new Problem(problems.hopeless, 'never')
      })
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'x' })
      const letter = await firstLetter(one, job)
      expect(letter).to.include({ reason: 'not-repeatable', attempts: 1 })
    })

    it('tell payloads that do not fit from names that nobody knows', async () => {
      const one = await open()
      const job = jobThat(async () => ({}))
      await one.queues.queue(job.queue).add(job.name, { old: true }, { jobId: 'misfit' })
      await one.queues.queue(job.queue).add('gone', { word: 'x' }, { jobId: 'stranger' })
      startWorkers(one, [job], calmLimits)
      const letters = await eventually(async () => {
        const found = await lettersOf(one, job)
        return found.length === 2 ? found : undefined
      })
      expect(Object.fromEntries(letters.map(({ jobId, reason }) => [jobId, reason]))).to.deep.equal(
        {
          misfit: 'payload-invalid',
          stranger: 'job-unknown',
        },
      )
    })

    it('leave nothing behind when the next run of their schedule does the same', async () => {
      const one = await open()
      const job = jobThat(
        async () => {
          throw new Error('not this time')
        },
        { whenGivenUp: 'next-run', attemptsMax: 1 },
      )
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () =>
        (await one.queues.counts(job.queue)).failed === 1 ? true : undefined,
      )
      expect(await lettersOf(one, job)).to.deep.equal([])
    })

    it('delay nobody: the others of the queue are done meanwhile', async () => {
      const one = await open()
      const done: string[] = []
      const job = jobThat(
        async (_slice, { word }) => {
          if (word === 'poison') {
            throw new Error('poison')
          }
          done.push(word)
          return {}
        },
        { attemptsMax: 4, backoffMs: 400 },
      )
      startWorkers(one, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'poison' })
      await one.queues.enqueue(job, { word: 'a' })
      await one.queues.enqueue(job, { word: 'b' })
      await eventually(() => (done.length === 2 ? true : undefined))
      expect(await lettersOf(one, job)).to.deep.equal([])
      expect((await firstLetter(one, job)).payload).to.deep.equal({ word: 'poison' })
    })

    it('are collected from the queue when nobody could write them down at that moment', async () => {
      const one = await open()
      const job = jobThat(
        async () => {
          throw new Error('the shelf is empty')
        },
        { attemptsMax: 1 },
      )
      const spare = jobThat(async () => ({}), {
        queue: job.queue,
        name: 'spare',
        whenGivenUp: 'next-run',
      })
      await declareJobs(one, [job, spare])
      startWorkers(one, [job, spare], calmLimits)
      const jobId = await one.queues.enqueue(job, { word: 'x' })
      await firstLetter(one, job)
      await eventually(async () =>
        (await one.queues.counts(job.queue)).failed === 1 ? true : undefined,
      )
      await one.db.run(sql`delete from dead_letters`)
      expect(await collectDeadLetters(one)).to.equal(1)
      expect(await collectDeadLetters(one)).to.equal(0)
      const [letter] = await lettersOf(one, job)
      expect(letter).to.deep.include({ jobId, error: 'the shelf is empty', payload: { word: 'x' } })
    })

    it('wait unspent while the database does not answer', async function () {
      if (kind === 'postgres') {
        this.skip() // the queue is away as well then
      }
      const one = await open()
      const job = jobThat(async () => ({}), { attemptsMax: 1 })
      await one.db.run(sql`select 1`)
      const { db } = one
      let isAway = true
      const flaky: Opened = {
        ...one,
        db: {
          ...db,
          run: (statement) =>
            isAway
              ? Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }))
              : db.run(statement),
        },
      }
      startWorkers(flaky, [job], calmLimits)
      await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () =>
        (await one.queues.counts(job.queue)).delayed === 1 ? true : undefined,
      )
      isAway = false
      await eventually(async () => {
        const [row] = await db.run(sql<{ state: string }>`
          select state from job_runs where queue = ${job.queue} and state = 'completed'`)
        return row
      })
      expect(await lettersOf(one, job)).to.deep.equal([])
    })
  })
}
