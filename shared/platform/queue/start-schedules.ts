import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../log.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { declareSchedules, forgetSchedules } from './declare-jobs.ts'
import { lastCompletedAt } from './job-runs.ts'
import { checkPayload, jobOptions, type Queues } from './queues.ts'
import { isPutOff, latestSlot, type Schedule } from './schedule.ts'

type Slice = {
  readonly db: Pick<Database, 'run'>
  readonly clock: Clock
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Queues
}

/** How often it is seen to that the schedules are there: a Redis that somebody has flushed tells nobody. */
const keepEveryMs = 15_000
/** Pauses between attempts while the queues are away. */
const retryMs = 1000

/** Writes the schedules into the queues and keeps them there, for a Redis without persistence comes back empty, and one that
 *  was flushed stays connected. Does not wait for a backend that is away.
 *  @throws {Error} at once for a cadence that cannot be read, and a {Problem} for a payload that its job would refuse */
export function startSchedules(
  slice: Slice,
  schedules: readonly Schedule[],
  everyMs = keepEveryMs,
): void {
  for (const { id, job, payload, cadence } of schedules) {
    checkPayload(job, payload)
    try {
      latestSlot(cadence, slice.clock.now())
    } catch (cause) {
      throw new Error(`the schedule ${id} cannot be kept`, { cause })
    }
  }
  const keeper = new ScheduleKeeper(slice, schedules, everyMs)
  slice.lifecycle.defer('schedules', () => keeper.stop())
  slice.queues.backend.onReturn(() => keeper.wake())
  slice.lifecycle.background('schedules', keeper.keep())
}

class ScheduleKeeper {
  readonly #slice: Slice
  readonly #schedules: readonly Schedule[]
  readonly #everyMs: number
  readonly #stopped = new AbortController()
  #nudge = Promise.withResolvers<void>()
  #kept = Promise.withResolvers<void>()

  constructor(slice: Slice, schedules: readonly Schedule[], everyMs: number) {
    this.#slice = slice
    this.#schedules = schedules
    this.#everyMs = everyMs
  }

  wake(): void {
    this.#nudge.resolve()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#kept.promise
  }

  async keep(): Promise<void> {
    let written: ReadonlySet<string> = new Set()
    while (!this.#stopped.signal.aborted) {
      const nudge = Promise.withResolvers<void>()
      this.#nudge = nudge
      try {
        written = await this.#keepOnce(written)
        await this.#pause(this.#everyMs, nudge.promise)
      } catch (error) {
        this.#slice.log.warn({ err: error }, 'schedules not written yet')
        await this.#pause(retryMs, nudge.promise)
      }
    }
    this.#kept.resolve()
  }

  /** Writes all of them once, so that a changed cadence holds, and later those that are missing.
   *  @param written the ids that this process has written */
  async #keepOnce(written: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { queues, log } = this.#slice
    await declareSchedules(this.#slice, this.#schedules)
    for (const schedule of this.#schedules) {
      const { id, job } = schedule
      const found = await queues.ask(job.queue, (queue) => queue.getJobScheduler(id))
      const isPostponed = found !== undefined && this.#isPutOff(schedule, found.next)
      if (isPostponed) {
        // Written over, it would keep its next slot.
        await queues.ask(job.queue, (queue) => queue.removeJobScheduler(id))
      }
      const isThere = found !== undefined && !isPostponed
      if (!isThere || !written.has(id)) {
        await writeOne(this.#slice, schedule)
      }
      if (!isThere && written.has(id)) {
        log.warn({ schedule: id }, 'schedule was lost or put off by the queue and is written again')
      }
    }
    for (const { id, queue } of await forgetSchedules(this.#slice)) {
      await queues.ask(queue, (one) => one.removeJobScheduler(id))
      log.info({ schedule: id }, 'schedule that nobody declares any more removed')
    }
    return new Set(this.#schedules.map(({ id }) => id))
  }

  #isPutOff({ cadence }: Schedule, next: number | undefined): boolean {
    return next !== undefined && isPutOff(cadence, new Date(next), this.#slice.clock.now())
  }

  async #pause(ms: number, nudged: Promise<void>): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#stopped.signal])
    const asleep = this.#slice.clock.sleep(ms, signal).catch(() => undefined)
    await Promise.race([asleep, nudged])
    over.abort()
  }
}

async function writeOne(slice: Slice, schedule: Schedule): Promise<void> {
  const { id, job, payload, cadence } = schedule
  const repeat =
    'cron' in cadence ? { pattern: cadence.cron, tz: 'UTC' } : { every: cadence.everyMs }
  const next = await slice.queues.ask(job.queue, (queue) =>
    queue.upsertJobScheduler(id, repeat, { name: job.name, data: payload, opts: jobOptions(job) }),
  )
  const isDueNow = (next.delay ?? 0) <= 0
  if (!isDueNow && (await isOverdue(slice, schedule))) {
    await slice.queues.enqueue(job, payload, { key: `overdue-${id}` })
  }
}

/** True when a slot has passed since the work was last done, or more than the interval, however far off the next slot is. */
async function isOverdue(
  { db, clock }: Slice,
  { job, payload, cadence }: Schedule,
): Promise<boolean> {
  const last = await lastCompletedAt({ db }, { ...job, payload })
  const now = clock.now()
  const dueSince =
    'cron' in cadence ? latestSlot(cadence, now) : new Date(now.getTime() - cadence.everyMs)
  return !last || last < dueSince
}
