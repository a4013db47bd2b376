import type { MigrationObject } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { Client } from 'pg'
import { systemClock, type Clock } from '../clock.ts'
import { holdMigrationLock } from './migration-lock.ts'
import { openMigrator, type StatementTime } from './migrator.ts'

/** One migration that was applied or undone, and how long each index in it took to build. */
export type MigrationStep = {
  readonly name: string
  readonly durationMs: number
  readonly indexes: readonly StatementTime[]
}

/** The oldest first. `unknown` were applied by a newer version of the product. */
export type MigrationState = {
  readonly applied: readonly { readonly name: string; readonly appliedAt: string }[]
  readonly pending: readonly string[]
  readonly unknown: readonly string[]
}

/** How far back to go: the last migration only, everything after `to`, or everything. */
export type Depth =
  | { readonly kind: 'last' | 'all' }
  | { readonly kind: 'to'; readonly name: string }

/** Applies every pending migration, oldest first. Safe to call from several processes at once: the others wait, then
 *  find nothing to do. A migration that was interrupted is applied by the next call.
 *  @throws {Error} what the database says; the migrations before it stay applied */
export async function migrateUp(
  url: string,
  list: readonly MigrationObject[],
  clock: Clock = systemClock,
): Promise<readonly MigrationStep[]> {
  return exclusively(url, { list, clock }, async (run) => {
    const { pending } = await readMigrations(url, list)
    return run('up', pending)
  })
}

/** Undoes migrations, newest first.
 *  @throws {Error} when `to` was not applied, or when the database is ahead of this version of the product */
export async function migrateDown(
  url: string,
  list: readonly MigrationObject[],
  { depth, clock = systemClock }: { readonly depth: Depth; readonly clock?: Clock },
): Promise<readonly MigrationStep[]> {
  return exclusively(url, { list, clock }, async (run) => {
    const { applied, unknown } = await readMigrations(url, list)
    if (unknown.length > 0) {
      throw new Error(
        `the database holds migrations that this version does not know: ${unknown.join(', ')}`,
      )
    }
    return run(
      'down',
      undone(
        applied.map(({ name }) => name),
        depth,
      ),
    )
  })
}

/** What was applied and what is pending. Changes nothing, also on a database that was never migrated. */
export async function readMigrations(
  url: string,
  list: readonly MigrationObject[],
): Promise<MigrationState> {
  const client = new Client({ connectionString: url, application_name: 'tidegate-migrate' })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ exists: boolean }>(
      `select to_regclass('schema_migrations') is not null as exists`,
    )
    const { rows } = tables[0]?.exists
      ? await client.query<{ name: string; appliedAt: string }>(
          `select name, to_char(executed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "appliedAt"
             from schema_migrations order by id`,
        )
      : { rows: [] }
    const known = new Map(rows.map((row) => [row.name, row]))
    return {
      applied: list.flatMap(({ name }) => known.get(name) ?? []),
      pending: list.map(({ name }) => name).filter((name) => !known.has(name)),
      unknown: rows
        .map(({ name }) => name)
        .filter((name) => list.every((one) => one.name !== name)),
    }
  } finally {
    await client.end()
  }
}

function undone(applied: readonly string[], depth: Depth): readonly string[] {
  const newestFirst = applied.toReversed()
  if (depth.kind !== 'to') {
    return depth.kind === 'all' ? newestFirst : newestFirst.slice(0, 1)
  }
  const stop = newestFirst.indexOf(depth.name)
  if (stop < 0) {
    throw new Error(`${depth.name} is not applied; applied are: ${applied.join(', ') || 'none'}`)
  }
  return newestFirst.slice(0, stop)
}

type Run = (method: 'up' | 'down', names: readonly string[]) => Promise<readonly MigrationStep[]>

async function exclusively<T>(
  url: string,
  { list, clock }: { readonly list: readonly MigrationObject[]; readonly clock: Clock },
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const release = await holdMigrationLock(url, clock)
  try {
    const { orm, times } = await openMigrator(url, list)
    try {
      const migrator = new Migrator(orm.em)
      return await work(async (method, names) => {
        const steps: MigrationStep[] = []
        for (const name of names) {
          const startedMs = clock.monotonicMs()
          times.length = 0
          await migrator[method]({ migrations: [name] })
          const durationMs = clock.monotonicMs() - startedMs
          steps.push({ name, durationMs, indexes: [...times] })
        }
        return steps
      })
    } finally {
      await orm.close(true)
    }
  } finally {
    await release()
  }
}
