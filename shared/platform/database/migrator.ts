import type { LogContext, Logger, MigrationObject } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/postgresql'
import type pg from 'pg'

/** One statement and how long the server took for it. */
export type StatementTime = { readonly name: string; readonly durationMs: number }

/**
 * Opens the migrator on one connection with limits of its own: it gives up a lock soon, because whoever queues behind
 * an ALTER TABLE that waits is the whole product, and it has no limit for a statement, because an index may take long.
 * One connection, so that a `set` in a migration that runs outside a transaction holds for its next statement.
 * `times` receives every CREATE INDEX while migrations run.
 */
export async function openMigrator(
  url: string,
  list: readonly MigrationObject[],
): Promise<{ readonly orm: MikroORM; readonly times: StatementTime[] }> {
  const times: StatementTime[] = []
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    ensureDatabase: false,
    extensions: [Migrator],
    migrations: {
      migrationsList: [...list],
      tableName: 'schema_migrations',
      allOrNothing: false,
      // `set session_replication_role` is for superusers, and would leave foreign keys unchecked.
      disableForeignKeys: false,
      snapshot: false,
      silent: true,
    },
    driverOptions: {
      max: 1,
      connectionTimeoutMillis: 30_000,
      application_name: 'tidegate-migrate',
      onPoolCreated: limit,
    },
    debug: ['query'],
    loggerFactory: () => indexTimer(times),
  })
  return { orm, times }
}

/** By statement and not as a start-up parameter: poolers refuse those, and zero would not be sent at all. */
function limit(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    const settings = `set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = '3s'`
    // If this fails the connection is broken, and the migration's own statement says so.
    client.query(settings).catch(() => undefined)
  })
}

function indexTimer(times: StatementTime[]): Logger {
  const ignore = (): void => undefined
  return {
    log: ignore,
    warn: ignore,
    error: ignore,
    setDebugMode: ignore,
    isEnabled: (namespace) => namespace === 'query',
    logQuery({ query = '', took = 0 }: LogContext) {
      const created =
        /^\s*create (?:unique )?index (?:concurrently )?(?:if not exists )?(\w+)/.exec(query)
      if (created?.[1]) {
        times.push({ name: created[1], durationMs: took })
      }
    },
  }
}
