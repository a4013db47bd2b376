import { openDatabase, type Database } from '#platform/database/database'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'

/** A pool on a test database, and how to close it. */
export type OpenDatabase = { readonly db: Database; readonly close: () => Promise<void> }

export async function openTestDatabase(url: string, connectionsMax = 4): Promise<OpenDatabase> {
  const log = createLog('test', 'silent')
  const lifecycle = createLifecycle(log)
  const db = await openDatabase(
    {
      url,
      applicationName: 'tidegate-test',
      connectionsMax,
      acquireTimeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      statementTimeoutMs: 60_000,
      queryTimeoutMs: 61_000,
      lockTimeoutMs: 5_000,
      idleInTransactionTimeoutMs: 60_000,
    },
    [],
    { log, lifecycle },
  )
  return { db, close: () => lifecycle.stop() }
}
