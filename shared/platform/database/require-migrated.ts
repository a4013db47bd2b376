import { sql } from 'kysely'
import type { Runner } from './database.ts'
import { sqlState } from './transaction.ts'

/** Makes sure, before a process serves, that every one of its migrations was applied. Migrations that it does not know are
 *  no fault: a newer version of the product may have migrated already while this one still serves.
 *  @throws {Error} saying what is missing and how to apply it, or that the database does not answer */
export async function requireMigrated(db: Runner, names: readonly string[]): Promise<void> {
  const applied = new Set(await readApplied(db))
  const missing = names.filter((name) => !applied.has(name))
  if (missing.length > 0) {
    const what = applied.size === 0 ? 'is not migrated' : `lacks ${missing.join(', ')}`
    throw new Error(`the database ${what}: run npm run migrate -- up`)
  }
}

async function readApplied(db: Runner): Promise<readonly string[]> {
  try {
    const rows = await db.run(sql<{ name: string }>`select name from schema_migrations`)
    return rows.map(({ name }) => name)
  } catch (cause) {
    if (sqlState(cause) === undefinedTable) {
      return []
    }
    throw new Error('the database does not answer: is it running, and is DATABASE_URL right?', {
      cause,
    })
  }
}

const undefinedTable = '42P01'
