import { setTimeout as delay } from 'node:timers/promises'
import type { MigrationObject } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/postgresql'
import { Client } from 'pg'

/** Applies every pending migration and returns their names. Safe to call from several processes at once. */
export async function migrateUp(
  url: string,
  list: readonly MigrationObject[],
): Promise<readonly string[]> {
  return withMigrator(url, list, async (migrator) => {
    const applied = await migrator.up()
    return applied.map(({ name }) => name)
  })
}

/** Opens a migrator that no other process can use until `work` is done.
 *  The lock is polled: a session that waits inside pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY
 *  waits for that snapshot, so a blocking lock would deadlock with the very migration it protects. */
export async function withMigrator<T>(
  url: string,
  list: readonly MigrationObject[],
  work: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const guard = new Client({ connectionString: url, application_name: 'tidegate-migrate' })
  await guard.connect()
  try {
    await acquire(guard)
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
        snapshot: false,
        silent: true,
      },
      logger: () => {},
    })
    try {
      return await work(new Migrator(orm.em))
    } finally {
      await orm.close(true)
    }
  } finally {
    await guard.end()
  }
}

const lockKey = 7_433_645

async function acquire(guard: Client): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const { rows } = await guard.query<{ held: boolean }>(
      'select pg_try_advisory_lock($1) as held',
      [lockKey],
    )
    if (rows[0]?.held === true) {
      return
    }
    await delay(200)
  }
  throw new Error('another migrator has held the lock for two minutes; see pg_locks for its pid')
}
