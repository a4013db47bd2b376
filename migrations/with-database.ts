import { openDatabase, type Database, type Entities } from '#platform/database/database'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'

/** Lends a database of one connection. Limits are wide: ANALYZE of a big table takes as long as it takes. */
export async function withDatabase<T>(
  url: string,
  entities: Entities,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const log = createLog('migrate', 'warn', 2)
  const lifecycle = createLifecycle(log)
  try {
    const db = await openDatabase(
      {
        url,
        applicationName: 'tidegate-migrate',
        connectionsMax: 1,
        acquireTimeoutMs: 30_000,
        idleTimeoutMs: 30_000,
        statementTimeoutMs: 3_600_000,
        queryTimeoutMs: 3_601_000,
        lockTimeoutMs: 5_000,
        idleInTransactionTimeoutMs: 10_000,
      },
      entities,
      { log, lifecycle },
    )
    return await work(db)
  } finally {
    await lifecycle.stop()
  }
}
