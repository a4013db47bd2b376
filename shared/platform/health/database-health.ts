import { z } from 'zod'
import type { PoolStatistics } from '../database/database.ts'
import type { PoolWaits } from '../database/pool-waits.ts'
import type { Platform } from '../platform.ts'
import type { BreakerSnapshot } from '../resilience/circuit-breaker.ts'
import type { Checked } from './check.ts'
import { describePool, poolFigures } from './figures.ts'
import { judged, statusOf } from './report.ts'

/** What a process knows of its database without asking it. */
export type DatabaseView = {
  readonly pool: PoolStatistics
  readonly waits: PoolWaits
  readonly breaker: BreakerSnapshot
}

/** Looks at the pool and at its circuit. */
export function databaseView({
  db,
  databaseCircuit,
}: Pick<Platform, 'db' | 'databaseCircuit'>): () => DatabaseView {
  return () => ({
    pool: db.statistics(),
    waits: db.waits,
    breaker: databaseCircuit.snapshot(),
  })
}

const states = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN'])

/** The body of `/health/database` (REQUIREMENTS M-08); `nextAttemptAt` is null unless the circuit is open. */
export const databaseHealth = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  timestamp: z.iso.datetime(),
  database: z.object({ healthy: z.boolean(), latency: z.number() }),
  poolMetrics: poolFigures,
  circuitBreaker: z.object({
    state: states,
    failures: z.int(),
    nextAttemptAt: z.iso.datetime().nullable(),
    transitions: z.record(states, z.int()),
  }),
})
export type DatabaseHealth = z.infer<typeof databaseHealth>

/** Above this share in use it is worth a look; REQUIREMENTS O-06. */
const utilizationMax = 0.75

/** What the pool and its circuit say: that much is in use, or that statements are refused. Half open they are tried again, and
 *  that may last until somebody needs the database. */
export function judgeDatabase(view: DatabaseView): readonly Checked[] {
  const { utilization, waiting } = describePool(view)
  const isBusy = utilization > utilizationMax || waiting > 0
  const { state } = view.breaker
  return [
    judged('pool', isBusy ? 'warn' : 'pass', { utilization, waiting }),
    judged('circuit', state === 'OPEN' ? 'warn' : 'pass', { state }),
  ]
}

/** Puts together how it is with the database. Pure. */
export function reportDatabase(asked: Checked, view: DatabaseView, at: Date): DatabaseHealth {
  const { state, failures, nextAttemptAt, transitions } = view.breaker
  return {
    status: statusOf([asked, ...judgeDatabase(view)]),
    timestamp: at.toISOString(),
    database: { healthy: asked.state !== 'fail', latency: asked.latencyMs },
    poolMetrics: describePool(view),
    circuitBreaker: {
      state,
      failures,
      nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
      transitions: { ...transitions },
    },
  }
}
