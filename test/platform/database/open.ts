import { entities } from '#entities'
import { openDatabase, type Database, type DatabaseOptions } from '#platform/database/database'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { createDatabase } from '../../support/servers.ts'

/** The limits of the request path (FAULTS, Budgets). */
const requestLimits = {
  applicationName: 'tidegate-test',
  connectionsMax: 20,
  acquireTimeoutMs: 2_000,
  idleTimeoutMs: 30_000,
  statementTimeoutMs: 4_000,
  queryTimeoutMs: 5_000,
  lockTimeoutMs: 1_000,
  idleInTransactionTimeoutMs: 10_000,
} as const

export type Opened = {
  readonly db: Database
  /** Every statement that went over the wire, with its bound values. */
  readonly sent: { readonly text: string; readonly values: readonly unknown[] }[]
  close(): Promise<void>
}

/** A pool on a new, migrated database (or on `url`); differs from the request path only in what is given. */
export async function open(different: Partial<DatabaseOptions> = {}): Promise<Opened> {
  const log = createLog('test', 'silent')
  const lifecycle = createLifecycle(log)
  const options = { ...requestLimits, url: different.url ?? (await createDatabase()), ...different }
  const db = await openDatabase(options, entities, { log, lifecycle })
  const sent: Opened['sent'] = []
  db.pool.on('connect', (client) => {
    const query: (...values: never[]) => unknown = client.query.bind(client)
    const spy = (...values: never[]): unknown => {
      const [text, bound] = values as unknown as [
        string | { text: string; values?: unknown[] },
        unknown[]?,
      ]
      sent.push(
        typeof text === 'string'
          ? { text, values: bound ?? [] }
          : { text: text.text, values: text.values ?? [] },
      )
      return query(...values)
    }
    Object.assign(client, { query: spy })
  })
  return { db, sent, close: () => lifecycle.stop() }
}

/** What a promise was rejected with; fails when it was not. */
export async function rejection(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => {
      throw new Error('it was expected to fail, and did not')
    },
    (error: Error & { code?: string }) => error,
  )
}
