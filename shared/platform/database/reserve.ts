import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { Lifecycle } from '../lifecycle.ts'
import type { DatabaseOptions, Runner } from './database.ts'

/** Connections beside the request pool, for what must never wait behind requests. A statement on them fails within about half a
 *  second when the database does not answer; what it reads of times and big numbers it has to turn into text itself. */
export type Reserve = Runner & {
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
  const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) })
  lifecycle.defer('database reserve', () => pool.end())

  async function run(text: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    const client = await pool.connect()
    try {
      const { rows } = await client.query(text, [...values])
      client.release()
      return rows
    } catch (error) {
      client.release(true) // a query that timed out is still running on it
      throw error
    }
  }

  return {
    async ping() {
      await run('select 1', [])
    },
    async run<Row>(statement: Parameters<Runner['run']>[0]) {
      const { sql, parameters } = statement.compile(kysely)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- by the word of whoever wrote the statement
      return (await run(sql, parameters)) as readonly Row[]
    },
  }
}
