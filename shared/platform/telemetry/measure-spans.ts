import { readSpanFigures } from './installed.ts'
import type { Metrics } from './metrics.ts'

/** What became of the spans of this process; nothing where none are sent. */
export function measureSpans(metrics: Metrics): void {
  if (!readSpanFigures()) {
    return
  }
  metrics.counter(
    {
      name: 'telemetry.spans',
      unit: '{span}',
      description:
        'Spans sent, refused by the collector (failed), or dropped because too many were waiting',
    },
    () => {
      const figures = readSpanFigures()
      return (['sent', 'failed', 'dropped'] as const).map((result) => ({
        labels: { result },
        value: figures?.[`${result}Count`] ?? 0,
      }))
    },
  )
  metrics.gauge(
    { name: 'telemetry.spans.waiting', unit: '{span}', description: 'Spans that wait to be sent' },
    () => [{ labels: {}, value: readSpanFigures()?.waitingCount ?? 0 }],
  )
}
