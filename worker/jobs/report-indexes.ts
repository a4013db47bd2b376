import { z } from 'zod'
import { listIndexes, purposeOfIndex, scansCountedSince } from '#platform/database/indexes'
import { listScannedTables, listUnprobedKeys } from '#platform/database/missing-indexes'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'
import { writeReport } from '#platform/reports/reports'

const namedMax = 200

/** Reports indexes that nothing used, that are broken, and that are missing. `npm run migrate -- analyze`, which knows every
 *  declared read, says what an unused one is there for before anybody drops it. */
export const reportIndexes = defineJob({
  queue: 'housekeeping',
  name: 'report-indexes',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 60_000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'dead-letter',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'log'>, _payload, run) {
    const { db } = slice
    const indexes = (await listIndexes(db)).toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    const unused = indexes
      .filter(({ scansCount }) => scansCount === 0)
      .map(({ table, index, sizeBytes, isUnique, isProbe }) => {
        const keptFor = purposeOfIndex({ isUnique, isProbe })
        return { table, index, sizeBytes, ...(keptFor !== undefined && { keptFor }) }
      })
    const idle = unused.filter(({ keptFor }) => keptFor === undefined)
    const invalid = indexes.filter(({ isValid }) => !isValid).map(({ index }) => index)
    const scannedTables = await listScannedTables(db)
    const unprobedKeys = await listUnprobedKeys(db)
    const figures = {
      indexes: indexes.length,
      unused: unused.length,
      idle: idle.length,
      idleBytes: idle.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      invalid: invalid.length,
      scannedTables: scannedTables.length,
      unprobedKeys: unprobedKeys.length,
    }
    const body = {
      since: await scansCountedSince(db),
      unused: [...idle, ...unused.filter(({ keptFor }) => keptFor !== undefined)].slice(
        0,
        namedMax,
      ),
      invalid: invalid.slice(0, namedMax),
      missing: { scannedTables, foreignKeys: unprobedKeys.slice(0, namedMax) },
    }
    await run.once((tx) => writeReport({ ...slice, db: tx }, { kind: 'indexes', figures, body }))
    return {}
  },
})
