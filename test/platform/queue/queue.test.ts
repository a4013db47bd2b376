import { expect } from 'chai'
import { sql } from 'kysely'
import { Problem, defineProblems } from '#platform/problem'
import { defineJob, type JobDefinition, type JobRun } from '#platform/queue/define-job'
import { startWorkers } from '#platform/queue/workers'
import {
  anyJob,
  type anyPayload,
  backends,
  calmLimits as limits,
  eventually,
  processesOn,
  type Opened,
} from './fixture.ts'

const problems = defineProblems('test', {
  hopeless: { kind: 'unprocessable', title: 'Hopeless', advice: '' },
  busy: { kind: 'unavailable', title: 'Busy', advice: '' },
})

type Run = JobDefinition<Opened, typeof anyPayload>['run']

type Recorded = {
  readonly state: string
  readonly attempt: number
  readonly rows_affected: number | null
  readonly error: string | null
}

for (const kind of backends) {
  describe(`queue on ${kind}`, () => {
    const { open } = processesOn(kind, 'by all specs')
    let count = 0

    /** A job of its own queue, so that no test sees another's jobs. */
    function jobThat(run: Run, more: Partial<JobDefinition<Opened, typeof anyPayload>> = {}) {
      count += 1
      return defineJob<Opened, typeof anyPayload>({
        queue: `${kind}-${process.pid}-${count}`,
        ...anyJob,
        run,
        ...more,
      })
    }

    async function runsOf({ db }: Opened, job: { queue: string }): Promise<readonly Recorded[]> {
      return db.run<Recorded>(sql`
        select state, attempt, rows_affected, error from job_runs
        where queue = ${job.queue} order by started_at, attempt`)
    }

    const finished = (one: Opened, job: { queue: string }, runs: number) =>
      eventually(async () => {
        const found = await runsOf(one, job)
        const isDone = found.length >= runs && found.every(({ state }) => state !== 'active')
        return isDone ? found : undefined
      })

    const failedJobs = (one: Opened, job: { queue: string }, jobs: number) =>
      eventually(async () => {
        const { failed } = await one.queues.counts(job.queue)
        return failed === jobs ? true : undefined
      })

    it('tells of slow statements of a job, unless it works in batches and says what they may take', async () => {
      const one = await open()
      const sleep: Run = async ({ db }) => {
        await db.run(sql`select pg_sleep(0.6)`)
        return {}
      }
      const [hurried, batches] = [jobThat(sleep), jobThat(sleep, { slowStatementMs: 10_000 })]
      startWorkers(one, [hurried, batches], limits)
      const slept = () =>
        one.db.watch.slow.list().filter(({ statement }) => statement.includes('pg_sleep')).length
      await one.queues.enqueue(batches, { word: 'slowly' })
      await finished(one, batches, 1)
      expect(slept()).to.equal(0)
      await one.queues.enqueue(hurried, { word: 'slowly' })
      await finished(one, hurried, 1)
      expect(slept()).to.equal(1)
    })

    it('runs a job and records how many rows it changed', async () => {
      const one = await open()
      const words: string[] = []
      const job = jobThat(async (_slice, { word }) => {
        words.push(word)
        return { rows: 7 }
      })
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'hello' })
      const runs = await finished(one, job, 1)
      expect(words).to.deep.equal(['hello'])
      expect(runs).to.deep.equal([
        { state: 'completed', attempt: 1, rows_affected: 7, error: null },
      ])
    })

    it('tries again what may heal, until it does', async () => {
      const one = await open()
      const job = jobThat(async (_slice, _payload, { attempt }) => {
        if (attempt < 3) {
          throw new Problem(problems.busy, `attempt ${attempt}`)
        }
        return {}
      })
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'x' })
      const runs = await finished(one, job, 3)
      expect(runs.map(({ state, attempt }) => [state, attempt])).to.deep.equal([
        ['failed', 1],
        ['failed', 2],
        ['completed', 3],
      ])
    })

    it('gives up at once what cannot heal', async () => {
      const one = await open()
      const job = jobThat(async () => {
        throw new Problem(problems.hopeless, 'never')
      })
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'x' })
      await failedJobs(one, job, 1)
      const runs = await finished(one, job, 1)
      expect(runs).to.have.length(1)
      expect(runs[0]?.error).to.equal('Hopeless: never')
    })

    it('refuses a payload that does not fit, with every fault', async () => {
      const one = await open()
      const job = jobThat(async () => ({}))
      const bad = { word: '', extra: 1 } satisfies object
      const refusal = await one.queues.enqueue(job, bad).catch((error: unknown) => error)
      expect(refusal).to.be.instanceOf(Problem)
      if (refusal instanceof Problem) {
        expect(refusal.type.slug).to.equal('queue/payload-invalid')
        expect(refusal.faults).to.have.length(2)
      }
      expect(await one.queues.counts(job.queue)).to.include({ waiting: 0, failed: 0 })
    })

    it('fails a payload that was written by another version, without running or repeating it', async () => {
      const one = await open()
      let calls = 0
      const job = jobThat(async () => {
        calls += 1
        return {}
      })
      await one.queues.queue(job.queue).add(job.name, { old: true }, { attempts: 3 })
      await one.queues.queue(job.queue).add('gone', {}, { attempts: 3 })
      startWorkers(one, [job], limits)
      const runs = await finished(one, job, 2)
      expect(calls).to.equal(0)
      expect(runs.map(({ state }) => state)).to.deep.equal(['failed', 'failed'])
      expect(runs.map(({ error }) => error).join())
        .to.include('not valid')
        .and.include('No such job')
      await failedJobs(one, job, 2)
    })

    it('ends a job whose time is up, even one that does not listen', async () => {
      const one = await open()
      const signals: JobRun['signal'][] = []
      const never = new Promise<never>(() => {})
      const job = jobThat(
        async (_slice, _payload, { signal }) => {
          signals.push(signal)
          return never
        },
        { timeoutMs: 50, attemptsMax: 1 },
      )
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'x' })
      const runs = await finished(one, job, 1)
      expect(runs[0]?.error).to.include('took longer')
      expect(signals[0]?.aborted).to.equal(true)
    })

    it('enqueues once while a job of the same key waits', async () => {
      const one = await open()
      const job = jobThat(async () => ({}))
      const ids = await Promise.all(
        [1, 2, 3].map(() => one.queues.enqueue(job, { word: 'x' }, { key: 'same' })),
      )
      expect(new Set(ids).size).to.equal(1)
      expect((await one.queues.counts(job.queue)).waiting).to.equal(1)
    })

    it('finishes what is nearly done when the process stops', async () => {
      const one = await open()
      const job = jobThat(async (slice) => {
        await slice.clock.sleep(100)
        return { rows: 1 }
      })
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () => ((await runsOf(one, job)).length === 1 ? true : undefined))
      await one.lifecycle.stop()
      const two = await open()
      expect((await runsOf(two, job)).map(({ state }) => state)).to.deep.equal(['completed'])
    })

    it('puts back what takes too long when the process stops, and the next process does it', async () => {
      const one = await open()
      const job = jobThat(
        async (slice, _payload, { signal, attempt }) => {
          if (attempt === 1) {
            await slice.clock.sleep(60_000, signal)
          }
          return {}
        },
        { attemptsMax: 1, timeoutMs: 120_000 },
      )
      startWorkers(one, [job], limits)
      await one.queues.enqueue(job, { word: 'x' })
      await eventually(async () => ((await runsOf(one, job)).length === 1 ? true : undefined))
      const before = performance.now()
      await one.lifecycle.stop()
      expect(performance.now() - before).to.be.below(3000)
      const two = await open()
      expect(await runsOf(two, job)).to.have.length(1)
      startWorkers(two, [job], limits)
      const runs = await finished(two, job, 2)
      expect(runs.map(({ state }) => state)).to.deep.equal(['failed', 'completed'])
      expect(runs[0]?.error).to.include('runs again')
    })
  })
}
