import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { createSingleFlight } from '../single-flight.ts'
import type { Metric } from '../telemetry/metric.ts'
import { measureSpans } from '../telemetry/measure-spans.ts'
import { openMetrics, type Metrics, type MetricsOptions } from '../telemetry/metrics.ts'
import { measureRuntime } from '../telemetry/runtime-figures.ts'
import { measureDatabase } from './measure-database.ts'
import { Series, type SeriesPoint } from './series.ts'

/** The metrics of one process, in every form from one reading. */
export type ProcessMetrics = Pick<Metrics, 'counter' | 'gauge' | 'histogram' | 'read'> & {
  /** The last hour, the oldest interval first. */
  series(): readonly SeriesPoint[]
}

type Needs = {
  readonly db: Pick<Database, 'statistics' | 'waits' | 'watch'>
  readonly clock: Clock
  readonly lifecycle: Lifecycle
}

const intervalMs = 15_000

/** Opens the metrics that every process has: itself, its pool, its statements and its spans. Whoever has more to measure adds it. */
export async function openProcessMetrics(
  { version, ...options }: MetricsOptions & { readonly version: string },
  { db, clock, lifecycle }: Needs,
): Promise<ProcessMetrics> {
  const metrics = await openMetrics(options, { clock, lifecycle })
  const runtime = measureRuntime(metrics, { lifecycle, version })
  measureDatabase(metrics, db)
  measureSpans(metrics)
  const series = new Series()
  const flight = createSingleFlight<readonly Metric[]>()
  // Many who ask at the same moment cost one reading.
  const read = (): Promise<readonly Metric[]> => flight.run('read', () => metrics.read())
  const stopped = new AbortController()
  lifecycle.defer('metric series', async () => stopped.abort())
  const follow = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      series.add(await read(), clock.now())
      runtime.turn()
      await clock.sleep(intervalMs, stopped.signal).catch(() => undefined)
    }
  }
  lifecycle.background('metric series', follow())
  return { ...metrics, read, series: () => series.list() }
}
