import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { lastCompletedAt, type RecordSlice } from './job-runs.ts'
import { checkPayload, jobOptions, type Queues } from './queues.ts'
import type { Schedule } from './schedule.ts'

type Slice = Pick<RecordSlice, 'db'> & {
  readonly clock: Clock
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Queues
}

/** Pauses between attempts to write the schedules while the queues are away. */
const retryMs = 1000

/** Writes the schedules into the queues and keeps them there: they are written again whenever the backend returns,
 *  since a Redis without persistence comes back empty. Does not wait for a backend that is away. */
export function startSchedules(slice: Slice, schedules: readonly Schedule[]): void {
  const stopped = new AbortController()
  for (const { job, payload } of schedules) {
    checkPayload(job, payload)
  }
  let writing: Promise<void> | undefined
  const write = (): void => {
    if (stopped.signal.aborted) {
      return
    }
    writing ??= writeUntilDone(slice, schedules, stopped.signal).finally(
      () => (writing = undefined),
    )
    slice.lifecycle.background('schedules', writing)
  }
  slice.lifecycle.defer('schedules', async () => {
    stopped.abort()
    await writing
  })
  slice.queues.backend.onReturn(write)
  write()
}

async function writeUntilDone(
  slice: Slice,
  schedules: readonly Schedule[],
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    try {
      for (const schedule of schedules) {
        await writeOne(slice, schedule)
      }
      return
    } catch (error) {
      slice.log.warn({ err: error }, 'schedules not written yet')
      await slice.clock.sleep(retryMs, stopped).catch(() => {})
    }
  }
}

async function writeOne(slice: Slice, { id, job, payload, cadence }: Schedule): Promise<void> {
  const repeat =
    'cron' in cadence ? { pattern: cadence.cron, tz: 'UTC' } : { every: cadence.everyMs }
  const next = await slice.queues
    .queue(job.queue)
    .upsertJobScheduler(id, repeat, { name: job.name, data: payload, opts: jobOptions(job) })
  const isDueNow = (next.delay ?? 0) <= 0
  if (!isDueNow && 'everyMs' in cadence && (await isOverdue(slice, job, cadence.everyMs))) {
    await slice.queues.enqueue(job, payload, { key: `overdue-${id}` })
  }
}

/** True when the work was last done longer ago than its cadence, however far off the next slot is. */
async function isOverdue(
  { db, clock }: Slice,
  job: Schedule['job'],
  everyMs: number,
): Promise<boolean> {
  const last = await lastCompletedAt({ db }, job)
  return !last || clock.now().getTime() - last.getTime() > everyMs
}
