import { Pool } from 'pg'
import type { Lifecycle } from '../lifecycle.ts'
import type { DatabaseOptions } from './database.ts'

/** Connections beside the request pool, for what must never wait behind requests. */
export type Reserve = {
  /** Resolves when the database answers.  @throws {Error} within about half a second otherwise */
  ping(): Promise<void>
}

/** A health check that takes longer says the same as one that fails. */
const patienceMs = 400

/** Opens the reserve; it connects when it is first used, and one connection then stays: to open one takes longer than a check
 *  may, and some ask every five minutes. Closes with the lifecycle. */
export function openReserve(
  options: Pick<DatabaseOptions, 'url' | 'applicationName'> & { readonly reserveMax: number },
  { lifecycle }: { readonly lifecycle: Lifecycle },
): Reserve {
  const pool = new Pool({
    connectionString: options.url,
    application_name: `${options.applicationName}-reserve`,
    min: 1,
    max: options.reserveMax,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    statement_timeout: patienceMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  })
  // A connection that the server closes while idle is replaced by the next ping.
  pool.on('error', () => undefined)
  lifecycle.defer('database reserve', () => pool.end())
  return {
    async ping() {
      const client = await pool.connect()
      try {
        await client.query('select 1')
        client.release()
      } catch (error) {
        client.release(true) // a query that timed out is still running on it
        throw error
      }
    },
  }
}
