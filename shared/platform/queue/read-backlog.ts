import { sql } from 'kysely'
import { readQueues, type OperateSlice, type QueueState } from './operate-jobs.ts'

/** What waits, in the queues and behind them. */
export type Backlog = {
  readonly queues: readonly QueueState[]
  /** Jobs that were given up and wait for somebody to decide; at most 1000 are counted. */
  readonly openLetters: number
  /** How long the oldest event waits to be given to its subscribers; 0 when none does. */
  readonly outboxLagSeconds: number
}

/** @throws {Problem} queue/unavailable */
export async function readBacklog(slice: OperateSlice): Promise<Backlog> {
  const queues = await readQueues(slice)
  const [behind] = await slice.db.run(sql<{ letters: number; lag: number }>`
    select (select count(*)::integer from (
              select from dead_letters where resolution is null limit 1000) as letters) as letters,
           coalesce((select extract(epoch from clock_timestamp() - created_at)::float8
                       from outbox_events where published_at is null order by id limit 1), 0) as lag`)
  return {
    queues,
    openLetters: behind?.letters ?? 0,
    outboxLagSeconds: Math.max(0, behind?.lag ?? 0),
  }
}
