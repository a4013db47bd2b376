/** The labels of one series, by the names of the semantic conventions; values come from closed sets. */
export type Labels = Readonly<Record<string, string>>

/** What a metric is called and what it means. */
export type MetricName = {
  /** Dotted, as OpenTelemetry writes it: `cache.requests`. */
  readonly name: string
  /** As OpenTelemetry writes it: `s`, `By`, `1` for a ratio, `{request}` for a count. */
  readonly unit: string
  readonly description: string
}

/** One series of a counter or a gauge. */
export type Point = { readonly labels: Labels; readonly value: number }

/** One series of a histogram. */
export type HistogramPoint = {
  readonly labels: Labels
  /** Upper ends of the classes, ascending. */
  readonly bounds: readonly number[]
  /** How many fell into each class; the last one has no upper end. */
  readonly counts: ArrayLike<number>
  readonly sum: number
}

/** One metric as it stood when it was read. */
export type Metric = MetricName &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly points: readonly Point[] }
    | { readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] }
  )
