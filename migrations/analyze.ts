import type { Entities } from '#platform/database/database'
import {
  analyzeTables,
  listIndexes,
  purposeOfIndex,
  type IndexUse,
} from '#platform/database/indexes'
import {
  listScannedTables,
  listUnprobedKeys,
  type ScannedTable,
  type UnprobedKey,
} from '#platform/database/missing-indexes'
import { readMigrations } from '#platform/database/migrate'
import type { Resource } from '#platform/resource/define-resource'
import { CommandError } from './command-error.ts'
import { migrations } from './index.ts'
import { otherReads } from './other-reads.ts'
import { proveReads, type ProvenRead } from './prove-reads.ts'
import { withDatabase } from './with-database.ts'

/** What the processes declare; given to the command by its main.ts, for no other file here may know a process. */
export type Declarations = {
  readonly resources: readonly Resource[]
  readonly entities: Entities
}

/** An index that was not used since the statistics were reset, and what it is there for. */
export type UnusedIndex = IndexUse & {
  /** Uniqueness, a foreign key, or a read; undefined where nothing needs it. */
  readonly keptFor?: string
}

export type Analysis = {
  readonly analyzed: readonly string[]
  readonly reads: readonly ProvenRead[]
  /** The biggest first, as are the unused ones. */
  readonly indexes: readonly IndexUse[]
  readonly unused: readonly UnusedIndex[]
  readonly missing: {
    readonly scannedTables: readonly ScannedTable[]
    readonly foreignKeys: readonly UnprobedKey[]
  }
}

/** Refreshes the planner's statistics, then takes the plan of every read and looks for indexes too many and too few.
 *  @throws {CommandError} when migrations are pending: the declarations speak of columns that they bring */
export async function analyzeDatabase(
  url: string,
  { resources, entities }: Declarations,
): Promise<Analysis> {
  const { pending } = await readMigrations(url, migrations)
  if (pending.length > 0) {
    throw new CommandError(
      'nothing was analysed',
      `migrations are pending that reads may need: ${pending.join(', ')}`,
      'npm run migrate -- up, then analyze',
    )
  }
  return withDatabase(url, entities, async (db) => {
    const analyzed = await analyzeTables(db)
    const reads = await proveReads(db, resources)
    const indexes = (await listIndexes(db)).toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    return {
      analyzed,
      reads,
      indexes,
      unused: indexes
        .filter(({ scansCount }) => scansCount === 0)
        .map((one) => ({ ...one, ...purposeOf(one, reads) })),
      missing: {
        scannedTables: await listScannedTables(db),
        foreignKeys: await listUnprobedKeys(db),
      },
    }
  })
}

/** What an index is there for. */
export function purposeOf(
  { index, parts, isUnique, isProbe }: Pick<IndexUse, 'index' | 'parts' | 'isUnique' | 'isProbe'>,
  reads: readonly ProvenRead[],
): { readonly keptFor?: string } {
  const read = reads.find(({ indexes }) => [index, ...parts].some((one) => indexes.includes(one)))
  const reader = otherReads[index]?.reader ?? (read && `${read.name}, ${read.variant}`)
  const keptFor = purposeOfIndex({ isUnique, isProbe }, reader)
  return keptFor === undefined ? {} : { keptFor }
}
