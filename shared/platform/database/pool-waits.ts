import type pg from 'pg'
import type { Clock } from '../clock.ts'
import { addDuration, noDurations, type Durations } from '../telemetry/durations.ts'

/** How long whoever needed a connection waited for one: next to nothing where one was idle, else until one was opened or given
 *  back. */
export type PoolWaits = {
  readonly durations: Durations
  /** Of these, how many waited in vain. */
  readonly failedCount: () => number
}

/** The end of the last but one is the limit for requests; jobs may wait longer. */
const boundsSeconds = [0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 30]

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: pg.PoolClient['release'],
) => void

/** Measures every connection that is taken out of the pool. To be called before anything else is put in front of `connect`, so
 *  that what a circuit refuses has waited for nothing. */
export function measureWaits(pool: pg.Pool, clock: Pick<Clock, 'monotonicMs'>): PoolWaits {
  const connect: pg.Pool['connect'] = pool.connect.bind(pool)
  const durations = noDurations(boundsSeconds)
  let failedCount = 0

  function end(startedMs: number, isFailed: boolean): void {
    addDuration(durations, (clock.monotonicMs() - startedMs) / 1_000)
    failedCount += isFailed ? 1 : 0
  }

  async function acquire(): Promise<pg.PoolClient> {
    const startedMs = clock.monotonicMs()
    try {
      const client = await connect()
      end(startedMs, false)
      return client
    } catch (error) {
      end(startedMs, true)
      throw error
    }
  }

  Object.assign(pool, {
    connect(callback?: Connected): Promise<pg.PoolClient> | undefined {
      if (!callback) {
        return acquire()
      }
      const startedMs = clock.monotonicMs()
      connect((error, client, done) => {
        end(startedMs, client === undefined)
        callback(error, client, done)
      })
      return undefined
    },
  })
  return { durations, failedCount: () => failedCount }
}
