import { sql } from 'kysely'
import { Client } from 'pg'
import { openDatabase, type Database, type Runner } from '#platform/database/database'
import { transaction } from '#platform/database/transaction'
import { systemClock } from '#platform/clock'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { systemRandom } from '#platform/random'

/** Runs `work` in one transaction on a connection of its own; all of it commits or none of it.
 *  @param signal cancels the statement that is running and rolls back
 *  @throws the signal's reason when it fires before COMMIT */
export async function inTransaction<T>(
  url: string,
  signal: AbortSignal | undefined,
  work: (tx: Runner) => Promise<T>,
): Promise<T> {
  return withDatabase(url, (db) =>
    transaction({ db, clock: systemClock, random: systemRandom }, async (tx) => {
      const guarded: Runner = {
        run(statement) {
          signal?.throwIfAborted()
          return tx.run(statement)
        },
      }
      const result = await cancellable(url, signal, guarded, () => work(guarded))
      signal?.throwIfAborted()
      return result
    }),
  )
}

/** A pool of one connection without time limits, closed when `work` is done. */
async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const log = createLog('tidegate-seed', 'error', 2)
  const lifecycle = createLifecycle(log)
  const db = await openDatabase(
    {
      url,
      applicationName: 'tidegate-seed',
      connectionsMax: 1,
      acquireTimeoutMs: 10_000,
      // 0 means without a limit: a load takes as long as the machine needs, and can be aborted.
      idleTimeoutMs: 0,
      statementTimeoutMs: 0,
      queryTimeoutMs: 0,
      lockTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
    },
    [],
    { log, lifecycle },
  )
  try {
    return await work(db)
  } finally {
    await lifecycle.stop()
  }
}

async function cancellable<T>(
  url: string,
  signal: AbortSignal | undefined,
  tx: Runner,
  work: () => Promise<T>,
): Promise<T> {
  const [backend] = await tx.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
  let cancelling: Promise<unknown> | undefined
  const cancel = (): void => {
    // Where even that fails, the abort takes effect before the next statement.
    cancelling = Promise.allSettled([cancelStatement(url, backend?.pid)])
  }
  signal?.addEventListener('abort', cancel)
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', cancel)
    await cancelling
  }
}

/** Over a bare connection: a second ORM that is opened while a transaction runs would find itself inside of it. */
async function cancelStatement(url: string, pid: number | undefined): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'tidegate-seed-cancel' })
  await client.connect()
  try {
    await client.query('select pg_cancel_backend($1)', [pid])
  } finally {
    await client.end()
  }
}
