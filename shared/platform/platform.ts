import { systemClock, type Clock } from './clock.ts'
import type { PlatformConfig } from './config/platform-config.ts'
import { awaitDatabase } from './database/await-database.ts'
import { openDatabase, type Database, type Entities } from './database/database.ts'
import { guardPool, openDatabaseCircuit } from './database/guard-pool.ts'
import { openReserve, type Reserve } from './database/reserve.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Log } from './log.ts'
import { systemRandom, type Random } from './random.ts'
import type { OperatedCircuit } from './resilience/circuit-breaker.ts'

/** What every process stands on. Functions take the part that they use: `Pick<Platform, 'db' | 'clock'>`. */
export type Platform = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly db: Database
  /** Connections that requests cannot use up. */
  readonly reserve: Reserve
  /** Refuses connections for requests while the database is away. */
  readonly databaseCircuit: OperatedCircuit
}

type Given = Pick<Platform, 'log' | 'lifecycle'> & {
  readonly entities: Entities
  /** Parts that a test puts in place of the real ones. */
  readonly overrides?: Partial<Pick<Platform, 'clock' | 'random' | 'db'>>
}

/** Opens the platform of one process; the lifecycle closes it. */
export async function openPlatform(
  config: Pick<PlatformConfig, 'database'>,
  { log, lifecycle, entities, overrides = {} }: Given,
): Promise<Platform> {
  const { clock = systemClock, random = systemRandom } = overrides
  const db = overrides.db ?? (await openDatabase(config.database, entities, { log, lifecycle }))
  await awaitDatabase({ db, clock, log, lifecycle }, config.database.startPatienceMs)
  const reserve = openReserve(config.database, { lifecycle })
  // it connects now, so that the first who asks for health does not wait for that; whether it answers is for others to say
  await reserve.ping().catch(() => undefined)
  const needs = { clock, log, lifecycle, reserve }
  const databaseCircuit = openDatabaseCircuit(config.database.acquireTimeoutMs, needs)
  guardPool(db.pool, databaseCircuit)
  return { clock, random, log, lifecycle, db, reserve, databaseCircuit }
}
