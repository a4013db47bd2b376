import { CronExpressionParser } from 'cron-parser'
import type { z } from 'zod'
import type { JobDefinition } from './define-job.ts'

/** How often: a fixed interval, aligned to the clock, or a cron pattern read in UTC. */
export type Cadence = { readonly everyMs: number } | { readonly cron: string }

/** A job that enqueues itself. However many workers run, each slot gives one run. */
export type Schedule = {
  /** Stable: the same id replaces the schedule, another id adds one. */
  readonly id: string
  readonly job: JobDefinition<never>
  readonly payload: unknown
  readonly cadence: Cadence
}

/** Declares a schedule, with a payload that its job accepts. */
export function defineSchedule<Payload extends z.ZodType>(schedule: {
  readonly id: string
  readonly job: JobDefinition<never, Payload>
  readonly payload: z.input<Payload>
  readonly cadence: Cadence
}): Schedule {
  return schedule
}

/** The shortest interval; what is more frequent is no job. */
const everyMsMin = 100

/** The latest slot of a cadence that is not after `at`.
 *  @throws {Error} for a cadence that cannot be read, saying what is wrong with it */
export function latestSlot(cadence: Cadence, at: Date): Date {
  if ('everyMs' in cadence) {
    const { everyMs } = cadence
    if (!Number.isInteger(everyMs) || everyMs < everyMsMin) {
      throw new Error(`an interval of ${everyMs} ms; it is a whole number from ${everyMsMin}`)
    }
    return new Date(Math.floor(at.getTime() / everyMs) * everyMs)
  }
  if (!/^\S+( \S+){4,5}$/.test(cadence.cron)) {
    throw new Error(
      `${JSON.stringify(cadence.cron)} is not a cron pattern: it has five fields, or six`,
    )
  }
  try {
    // one millisecond later, since the parser looks strictly before
    const currentDate = new Date(at.getTime() + 1)
    return CronExpressionParser.parse(cadence.cron, { currentDate, tz: 'UTC' }).prev().toDate()
  } catch (cause) {
    throw new Error(`${JSON.stringify(cadence.cron)} is not a cron pattern`, { cause })
  }
}

/** Whether the queue has put the next run of a schedule off beyond its next slot: a clock that was set back does that, and the
 *  schedule would stand still until the clock has made up for it.
 *  @param next when the queue means to run it */
export function isPutOff(cadence: Cadence, next: Date, now: Date): boolean {
  const slackMs = 60_000
  if ('everyMs' in cadence) {
    return next.getTime() - now.getTime() > cadence.everyMs + slackMs
  }
  const following = CronExpressionParser.parse(cadence.cron, { currentDate: now, tz: 'UTC' })
  return next.getTime() > following.next().getTime() + slackMs
}
