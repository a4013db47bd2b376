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
