import { expect } from 'chai'
import { sql } from 'kysely'
import { defineJob } from '#platform/queue/define-job'
import { defineSchedule, type Schedule } from '#platform/queue/schedule'
import { startSchedules } from '#platform/queue/start-schedules'
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

for (const kind of backends) {
  describe(`schedules on ${kind}`, () => {
    const { open } = processesOn(kind, 'by all specs')
    let count = 0

    function scheduleOf(everyMs: number): { schedule: Schedule; job: Schedule['job'] } {
      count += 1
      const job = defineJob<Opened, typeof anyPayload>({
        queue: `schedules-${kind}-${process.pid}-${count}`,
        ...anyJob,
        name: 'tick',
        attemptsMax: 1,
        run: async () => ({}),
      })
      return {
        job,
        schedule: defineSchedule({
          id: `tick-${count}`,
          job,
          payload: { word: 'x' },
          cadence: { everyMs },
        }),
      }
    }

    async function runsOf({ db }: Opened, queue: string) {
      return db.run<{ bull_id: string; state: string }>(
        sql`select bull_id, state from job_runs where queue = ${queue} order by started_at`,
      )
    }

    it('gives each slot one run, however many workers there are, and survives one of them', async () => {
      const { schedule, job } = scheduleOf(200)
      const [one, two] = [await open(), await open()]
      for (const each of [one, two]) {
        startWorkers(each, [job], limits)
        startSchedules(each, [schedule])
      }
      await eventually(async () => ((await runsOf(one, job.queue)).length >= 3 ? true : undefined))
      await one.lifecycle.stop()
      const seen = (await runsOf(two, job.queue)).length
      await eventually(async () =>
        (await runsOf(two, job.queue)).length >= seen + 2 ? true : undefined,
      )
      const slots = (await runsOf(two, job.queue)).map(({ bull_id: id }) => id)
      expect(new Set(slots).size).to.equal(slots.length)
    })

    it('runs at once what was last done longer ago than its cadence', async () => {
      const { schedule, job } = scheduleOf(3_600_000)
      const one = await open()
      await one.queues
        .queue(job.queue)
        .upsertJobScheduler(
          schedule.id,
          { every: 3_600_000 },
          { name: job.name, data: { word: 'x' } },
        )
      startWorkers(one, [job], limits)
      await eventually(async () => ((await runsOf(one, job.queue)).length === 1 ? true : undefined))
      await one.db.run(
        sql`update job_runs set started_at = started_at - interval '2 hours' where queue = ${job.queue}`,
      )
      startSchedules(one, [schedule])
      await eventually(async () => ((await runsOf(one, job.queue)).length === 2 ? true : undefined))
    })

    it('does not run again at a restart what was done within its cadence', async () => {
      const { schedule, job } = scheduleOf(3_600_000)
      const one = await open()
      startWorkers(one, [job], limits)
      startSchedules(one, [schedule])
      await eventually(async () =>
        (await runsOf(one, job.queue))[0]?.state === 'completed' ? true : undefined,
      )
      await one.lifecycle.stop()
      const two = await open()
      startSchedules(two, [schedule])
      const counts = await eventually(async () => {
        const now = await two.queues.counts(job.queue)
        return now.delayed === 1 ? now : undefined
      })
      expect(counts).to.include({ waiting: 0, delayed: 1 })
      await two.lifecycle.stop()
      const three = await open()
      expect(await runsOf(three, job.queue)).to.have.length(1)
    })

    it('is written again when a clock that was set back has put it off', async () => {
      const { schedule, job } = scheduleOf(3_600_000)
      const one = await open()
      const inTenHours = Date.now() + 36_000_000
      await one.queues
        .queue(job.queue)
        .upsertJobScheduler(
          schedule.id,
          { every: 3_600_000, startDate: inTenHours },
          { name: job.name, data: { word: 'x' } },
        )
      startSchedules(one, [schedule], 50)
      await eventually(async () => {
        const found = await one.queues.queue(job.queue).getJobScheduler(schedule.id)
        return (found?.next ?? Infinity) <= Date.now() + 3_600_000 ? true : undefined
      })
    })

    it('leaves the queue when no version declares it any more', async () => {
      const { schedule, job } = scheduleOf(3_600_000)
      const one = await open()
      startSchedules(one, [schedule], 50)
      const isThere = async () =>
        (await one.queues.queue(job.queue).getJobScheduler(schedule.id)) !== undefined
      await eventually(async () => ((await isThere()) ? true : undefined))
      await one.lifecycle.stop()
      const two = await open()
      startSchedules(two, [], 50)
      await two.db.run(sql`
        update job_schedules set declared_at = declared_at - interval '11 minutes' where id = ${schedule.id}`)
      await eventually(async () => {
        const found = await two.queues.queue(job.queue).getJobScheduler(schedule.id)
        return found ? undefined : true
      })
    })

    it('refuses a schedule that cannot be read, and says which', async () => {
      const { schedule } = scheduleOf(1000)
      const one = await open()
      const unreadable: Schedule = { ...schedule, id: 'whenever', cadence: { cron: 'whenever' } }
      expect(() => startSchedules(one, [unreadable])).to.throw(
        'the schedule whenever cannot be kept',
      )
    })

    it('refuses a schedule whose payload its job would refuse', async () => {
      const { schedule } = scheduleOf(1000)
      const one = await open()
      expect(() => startSchedules(one, [{ ...schedule, payload: {} }])).to.throw('not valid')
    })
  })
}
