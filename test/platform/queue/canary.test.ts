import { expect } from 'chai'
import { createHealth } from '#platform/health/health'
import { canaryCheck, deadLettersCheck, schedulesCheck } from '#platform/health/worker-checks'
import type { Clock } from '#platform/clock'
import { startCanary } from '#platform/queue/canary'
import { bury } from '#platform/queue/dead-letters'
import { declareSchedules } from '#platform/queue/declare-jobs'
import { recordEnd, recordStart } from '#platform/queue/job-runs'
import { readSchedules } from '#platform/queue/late-schedules'
import { defineJob } from '#platform/queue/define-job'
import { latestSlot, type Cadence, type Schedule } from '#platform/queue/schedule'
import { anyJob, backends, eventually, processesOn, type Opened } from './fixture.ts'

/** A clock that a test moves; the monotonic one goes along. */
function movable(one: Opened): Opened & { move(ms: number): void } {
  let offsetMs = 0
  const { clock } = one
  const moved: Clock = {
    ...clock,
    now: () => new Date(clock.now().getTime() + offsetMs),
    monotonicMs: () => clock.monotonicMs() + offsetMs,
  }
  return { ...one, clock: moved, move: (ms) => void (offsetMs += ms) }
}

for (const kind of backends) {
  describe(`the health of a worker on ${kind}`, () => {
    const processes = processesOn(kind, 'by none')
    const open = async () => movable(await processes.open())

    it('is told by a job that this process has done', async () => {
      const one = await open()
      one.move(59_000)
      const canary = startCanary(one)
      one.move(30_000)
      await eventually(() => (canary.ageMs() < 10_000 ? true : undefined))
      expect((await canaryCheck(canary).run()).state).to.equal('pass')
    })

    it('fails when it has done none for a minute, whatever its connections say', async () => {
      const one = await open()
      const canary = startCanary(one)
      await eventually(() => (canary.ageMs() < 1_000 ? true : undefined))
      await one.queues.queue('canary').pause()
      one.move(61_000)
      expect(await canaryCheck(canary).run()).to.deep.include({ state: 'fail' })
      await one.queues.ping()
      await one.queues.queue('canary').resume()
    })

    it('tells when jobs were given up that nobody has decided about', async () => {
      const one = await open()
      const check = deadLettersCheck(one)
      expect((await check.run()).state).to.equal('pass')
      const job = { queue: 'q', jobId: 'j', name: 'n', payload: {}, attempts: 1 } as const
      const more = { organisationId: undefined, traceId: undefined, error: 'e' }
      expect(await bury(one, { ...job, ...more, reason: 'stalled' })).to.equal(true)
      expect(await bury(one, { ...job, ...more, reason: 'stalled' })).to.equal(false)
      expect(await check.run()).to.deep.equal({ state: 'warn', facts: { open: 1 } })
    })

    const scheduleOf = (id: string, cadence: Cadence, word = id): Schedule => ({
      id,
      job: defineJob({ ...anyJob, queue: 'ticks', run: async () => ({}) }),
      payload: { word },
      cadence,
    })

    async function ran(one: Opened, word: string): Promise<void> {
      const run = { queue: 'ticks', jobId: one.random.uuid(), name: 'say', payload: { word } }
      const more = { attempt: 1, traceId: undefined, organisationId: undefined }
      const id = await recordStart(one, { ...run, ...more })
      await recordEnd(one, id ?? '', { state: 'completed', rows: undefined })
    }

    const late = async (one: Opened) =>
      (await readSchedules(one)).filter(({ isLate }) => isLate).map(({ id }) => id)

    it('fails while a schedule is late: an interval after two of it, a cron a minute after its slot', async () => {
      const one = await open()
      const check = schedulesCheck(one)
      // a second after a slot of the interval, so that what follows is the same at every time of day
      one.move(91_000 - (one.clock.now().getTime() % 90_000))
      const now = one.clock.now()
      const nextMinute = new Date(now.getTime() + 60_000).getUTCMinutes()
      await declareSchedules(one, [
        scheduleOf('quick', { everyMs: 90_000 }),
        scheduleOf('hourly', { cron: `${nextMinute} * * * *` }),
        scheduleOf('daily', { everyMs: 86_400_000 }),
      ])
      await ran(one, 'quick')
      expect(await late(one)).to.deep.equal([])
      one.move(100_000)
      expect(await late(one)).not.to.include('quick')
      one.move(81_000)
      expect(await late(one)).to.deep.equal(['hourly', 'quick'])
      const health = createHealth({ version: '0.1.0', checks: [check] }, one)
      expect((await health.report()).status).to.equal('unhealthy')
      expect(await check.run()).to.deep.equal({
        state: 'fail',
        facts: { count: 3, late: 'hourly quick' },
      })
      await ran(one, 'quick')
      await ran(one, 'hourly')
      expect(await late(one)).to.deep.equal([])
    })

    it('does not take the run of one payload for that of another', async () => {
      const one = await open()
      await declareSchedules(one, [
        scheduleOf('volatile', { everyMs: 45_000 }),
        scheduleOf('stable', { everyMs: 45_000 }),
      ])
      one.move(121_000)
      await ran(one, 'volatile')
      expect(await late(one)).to.deep.equal(['stable'])
    })
  })
}

describe('the slots of a cadence', () => {
  const at = new Date('2026-03-29T15:10:00Z')
  const slots: readonly [Cadence, string][] = [
    [{ everyMs: 300_000 }, '2026-03-29T15:10:00.000Z'],
    [{ everyMs: 45_000 }, '2026-03-29T15:09:45.000Z'],
    [{ cron: '0 0 * * *' }, '2026-03-29T00:00:00.000Z'],
    // in UTC, although clocks went forward in Europe that night
    [{ cron: '30 1 * * *' }, '2026-03-29T01:30:00.000Z'],
    [{ cron: '*/30 14-16 * * 1-5' }, '2026-03-27T16:30:00.000Z'],
    [{ cron: '10 15 * * *' }, '2026-03-29T15:10:00.000Z'],
    [{ cron: '0 0 29 2 *' }, '2024-02-29T00:00:00.000Z'],
  ]
  for (const [cadence, expected] of slots) {
    it(`are found: ${JSON.stringify(cadence)}`, () => {
      expect(latestSlot(cadence, at).toISOString()).to.equal(expected)
    })
  }

  for (const cron of ['', 'soon', '61 * * * *', '* * *  * * * * *', '0 0 31 2 *']) {
    it(`cannot be read from ${JSON.stringify(cron)}`, () => {
      expect(() => latestSlot({ cron }, at)).to.throw(
        `${JSON.stringify(cron)} is not a cron pattern`,
      )
    })
  }

  for (const everyMs of [0, -1, 0.5, NaN, 99]) {
    it(`cannot be every ${everyMs} ms`, () => {
      expect(() => latestSlot({ everyMs }, at)).to.throw('an interval of')
    })
  }
})
