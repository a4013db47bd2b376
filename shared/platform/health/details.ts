import type { CacheReport } from '../cache/cache.ts'
import type { RequestFigures } from '../telemetry/request-figures.ts'
import type { Checked } from './check.ts'
import { judgeDatabase, type DatabaseView } from './database-health.ts'
import { describePool, describeReads, describeRequests, type ProcessFigures } from './figures.ts'
import { judged, type DetailedHealthReport, type HealthReport } from './report.ts'

/** What a process knows of itself without asking anybody; each part is left out where there is none. */
export type Inside = {
  readonly requests?: RequestFigures
  readonly database?: () => DatabaseView
  readonly cache?: () => CacheReport
  /** How the process was since this was last called. */
  readonly process?: () => ProcessFigures
  /** The newest migration that the process needs. */
  readonly migration?: string | undefined
}

/** A loop that is this late keeps everybody waiting; FAULTS "Alerts". */
const loopDelayMsMax = 250

const unwatched: ProcessFigures = { loadavg: [], eventLoop: { p99: 0, utilization: 0 } }

/** Adds what the process knows of itself to what it asked, judges both, and puts the report together.
 *  @param build makes the basic report of checks */
export function reportDetails(
  asked: readonly Checked[],
  inside: Inside,
  build: (checked: readonly Checked[]) => HealthReport,
): DetailedHealthReport {
  const { requests, migration } = inside
  const runtime = inside.process?.() ?? unwatched
  const database = inside.database?.()
  const cache = inside.cache?.()
  const isLate = runtime.eventLoop.p99 > loopDelayMsMax
  const known = [
    judged('eventLoop', isLate ? 'warn' : 'pass', runtime.eventLoop),
    ...(database ? judgeDatabase(database) : []),
    ...(migration === undefined ? [] : [judged('migrations', 'pass', { latest: migration })]),
  ]
  return {
    ...build([...asked, ...known]),
    metrics: {
      ...(requests && { api: describeRequests(requests) }),
      ...(database && { database: describePool(database) }),
      ...(cache && { cache: describeReads(cache) }),
    },
    system: {
      ...runtime,
      connections: database ? { database: database.pool.active + database.pool.idle } : {},
    },
  }
}
