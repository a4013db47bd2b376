import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import { latestSlot, type Cadence } from './schedule.ts'

/** A schedule as its workers declared it, with what has become of it. */
export type ScheduleState = {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly cadence: Cadence
  readonly lastStartedAt: Date | undefined
  readonly lastCompletedAt: Date | undefined
  /** A slot has passed, and some time more, and nothing was started. */
  readonly isLate: boolean
}

/** After a cron's slot. An interval is late when two of them have passed, and at least this long. */
const graceMs = 60_000

/** Every schedule, and whether it is late. One statement, with two probes of an index for each. */
export async function readSchedules({
  db,
  clock,
}: {
  readonly db: Runner
  readonly clock: Clock
}): Promise<readonly ScheduleState[]> {
  const rows = await db.run(sql<Row>`
    select id, queue, name, cron, every_ms as "everyMs",
           to_json(first_declared_at) #>> '{}' as "firstDeclaredAt",
           to_json(started.at) #>> '{}' as "lastStartedAt", to_json(completed.at) #>> '{}' as "lastCompletedAt"
      from job_schedules schedule
      left join lateral (
        select started_at as at from job_runs run
         where run.name = schedule.name and run.queue = schedule.queue
           and (run.payload is null or run.payload = schedule.payload)
         order by started_at desc limit 1) as started on true
      left join lateral (
        select started_at as at from job_runs run
         where run.name = schedule.name and run.queue = schedule.queue and run.state = 'completed'
           and (run.payload is null or run.payload = schedule.payload)
         order by started_at desc limit 1) as completed on true
     order by id`)
  return rows.map((row) => stateOf(row, clock.now()))
}

type Row = {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly cron: string | null
  readonly everyMs: number | null
  readonly firstDeclaredAt: string
  readonly lastStartedAt: string | null
  readonly lastCompletedAt: string | null
}

function stateOf(row: Row, now: Date): ScheduleState {
  const { id, queue, name, cron, everyMs, firstDeclaredAt, lastStartedAt, lastCompletedAt } = row
  const cadence: Cadence = cron === null ? { everyMs: everyMs ?? 0 } : { cron }
  const patienceMs = 'everyMs' in cadence ? Math.max(graceMs, cadence.everyMs) : graceMs
  const due = latestSlot(cadence, new Date(now.getTime() - patienceMs))
  const since = new Date(lastStartedAt ?? firstDeclaredAt)
  return {
    id,
    queue,
    name,
    cadence,
    lastStartedAt: lastStartedAt === null ? undefined : new Date(lastStartedAt),
    lastCompletedAt: lastCompletedAt === null ? undefined : new Date(lastCompletedAt),
    isLate: since < due,
  }
}
