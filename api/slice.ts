import type { Fx } from '#fx'
import type { Presence } from '#members'
import type { Cache } from '#platform/cache/cache'
import type { Lifetimes } from '#platform/cache/lifetimes'
import type { Clock } from '#platform/clock'
import type { Database } from '#platform/database/database'
import type { Log } from '#platform/log'
import type { ProcessMetrics } from '#platform/metrics/process-metrics'
import type { Random } from '#platform/random'
import type { CursorKey } from '#platform/resource/cursor'
import type { Circuits } from '#platform/resilience/circuits'
import type { Reader } from '#platform/resource/reader'
import type { RequestFigures } from '#platform/telemetry/request-figures'
import type { RequestIds } from './http/request-id.ts'
import type { Recordings } from './http/recordings.ts'
import type { Limits } from './http/limits.ts'

/** What the routes of the API work with. */
export type ApiSlice = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly fx: Fx
  readonly cursorKeys: readonly CursorKey[]
  /** Absolute, without a slash at the end; the root of problem types. */
  readonly baseUrl: string
  /** Of the product: versions of it do not read each other's answers, for each may write them in its own way. */
  readonly version: string
  readonly reader: Reader
  readonly cache: Cache
  readonly limits: Limits
  /** Who of the members was here. */
  readonly presence: Presence
  /** How long answers of each class are served. */
  readonly lifetimes: Lifetimes
  readonly requestIds: RequestIds
  /** What the edge answers from. */
  readonly recordings: Recordings
  readonly figures: RequestFigures
  readonly metrics: ProcessMetrics
  readonly circuits: Circuits
}
