import { ValueType, type Attributes, type HrTime } from '@opentelemetry/api'
import { hrTime } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  MetricReader,
  type CollectionResult,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { within } from '../resilience/within.ts'
import type { HistogramPoint, Labels, Metric, MetricName, Point } from './metric.ts'

/**
 * The metrics of one process. Nothing is counted here: who counts does so in a way of its own, which costs an addition, and is
 * read when somebody looks. It reaches OpenTelemetry through a producer, which is its interface for what was counted elsewhere;
 * its observable instruments would copy and hash the labels of every series at every reading, which was half of what a scrape cost, and
 * has none for histograms. So labels must tell series apart: of two with the same ones both are told. All read-outs begin with
 * `read`.
 */
export type Metrics = {
  /** Something that only grows. */
  counter(name: MetricName, points: () => Iterable<Point>): void
  /** Something that is so much at the moment. */
  gauge(name: MetricName, points: () => Iterable<Point>): void
  histogram(name: MetricName, points: () => Iterable<HistogramPoint>): void
  /** All metrics as they are now. Waits for nothing: no statement, no command, no other process. */
  read(): Promise<readonly Metric[]>
}

export type MetricsOptions = {
  readonly serviceName: string
  /** How often the metrics are sent to the collector that the standard variables name; undefined: never. */
  readonly pushEveryMs: number | undefined
}

/** A collector that is away must not hold up a process that stops. */
const stopPatienceMs = 1_500

/** Opens the metrics of one process; they close with the lifecycle, after what is waiting was sent once more. */
export async function openMetrics(
  { serviceName, pushEveryMs }: MetricsOptions,
  { clock, lifecycle }: { readonly clock: Clock; readonly lifecycle: Pick<Lifecycle, 'defer'> },
): Promise<Metrics> {
  const counted = new Counted()
  const reader = new ScrapeReader({ metricProducers: [counted] })
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    readers:
      pushEveryMs === undefined ? [reader] : [reader, await pushReader(pushEveryMs, counted)],
  })
  lifecycle.defer('metrics', () =>
    within(stopPatienceMs, clock, () => provider.shutdown()).catch(() => undefined),
  )
  return {
    counter: (name, points) => counted.addPoints(name, DataPointType.SUM, points),
    gauge: (name, points) => counted.addPoints(name, DataPointType.GAUGE, points),
    histogram: (name, points) => counted.addHistogram(name, points),
    async read() {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(fromData))
    },
  }
}

/** Loaded only where something is sent. Address and headers are the exporter's to read, from the standard variables. */
async function pushReader(everyMs: number, counted: MetricProducer): Promise<MetricReader> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const { PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics')
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: everyMs,
    exportTimeoutMillis: Math.min(everyMs, 5_000),
    metricProducers: [counted],
  })
}

/** Is asked, and does nothing by itself. */
class ScrapeReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** What was counted elsewhere, as OpenTelemetry reads it. */
class Counted implements MetricProducer {
  readonly #times = hrTime()
  readonly #looks: ((times: Times) => MetricData)[] = []

  addPoints(
    name: MetricName,
    dataPointType: DataPointType.SUM | DataPointType.GAUGE,
    points: () => Iterable<Point>,
  ): void {
    const told = {
      descriptor: { ...name, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    }
    this.#looks.push((times) => {
      const dataPoints = Array.from(points(), ({ labels: attributes, value }) => {
        return { ...times, attributes, value }
      })
      return dataPointType === DataPointType.SUM
        ? { ...told, dataPointType, isMonotonic: true, dataPoints }
        : { ...told, dataPointType, dataPoints }
    })
  }

  addHistogram(name: MetricName, points: () => Iterable<HistogramPoint>): void {
    const boundariesOf = createBoundaries()
    this.#looks.push((times) => ({
      descriptor: { ...name, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: Array.from(points(), ({ labels: attributes, bounds, counts, sum }) => {
        const all = Array.from(counts)
        const count = all.reduce((total, one) => total + one, 0)
        const buckets = { boundaries: boundariesOf(bounds), counts: all }
        return { ...times, attributes, value: { buckets, sum, count } }
      }),
    }))
  }

  async collect(): Promise<CollectionResult> {
    const times = { startTime: this.#times, endTime: hrTime() }
    const metrics = this.#looks.map((look) => look(times))
    const resource = resourceFromAttributes({})
    const scopeMetrics = [{ scope: { name: 'tidegate' }, metrics }]
    return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
  }
}

type Times = { readonly startTime: HrTime; readonly endTime: HrTime }

/** One copy for all series that have the same classes. */
function createBoundaries(): (bounds: readonly number[]) => number[] {
  const copies = new Map<readonly number[], number[]>()
  return (bounds) => {
    const copy = copies.get(bounds) ?? [...bounds]
    copies.set(bounds, copy)
    return copy
  }
}

/** In our own words; what we never make is left out. */
function fromData({ descriptor, ...data }: MetricData): readonly Metric[] {
  const { name, unit, description } = descriptor
  const named = { name, unit, description }
  if (data.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    return []
  }
  if (data.dataPointType === DataPointType.HISTOGRAM) {
    const points = data.dataPoints.map(({ attributes, value }) => {
      const { boundaries: bounds, counts } = value.buckets
      return { labels: labelsOf(attributes), bounds, counts, sum: value.sum ?? 0 }
    })
    return [{ ...named, kind: 'histogram', points }]
  }
  const kind = data.dataPointType === DataPointType.SUM ? 'counter' : 'gauge'
  const points = data.dataPoints.map(({ attributes, value }) => {
    return { labels: labelsOf(attributes), value }
  })
  return [{ ...named, kind, points }]
}

/** All that we make are texts; copied only where they are not. */
function labelsOf(attributes: Attributes): Labels {
  return isLabels(attributes)
    ? attributes
    : Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]))
}

function isLabels(attributes: Attributes): attributes is Labels & Attributes {
  for (const name in attributes) {
    if (typeof attributes[name] !== 'string') {
      return false
    }
  }
  return true
}
