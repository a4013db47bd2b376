import { durationBoundsSeconds, type RequestFigures } from '../telemetry/request-figures.ts'
import type { HistogramPoint } from '../telemetry/metric.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** Rate, errors and durations of requests by route, from the counts that the edge and Express keep. */
export function measureRequests(metrics: Metrics, figures: RequestFigures): void {
  metrics.histogram(
    {
      name: 'http.server.request.duration',
      unit: 's',
      description: 'Durations of requests by method, template of the route and status',
    },
    function* () {
      for (const { method, route, status, counts, sumSeconds } of figures.all()) {
        const labels = {
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': String(status),
        }
        yield { labels, bounds: durationBoundsSeconds, counts, sum: sumSeconds }
      }
    },
  )
  metrics.histogram(
    {
      name: 'http.request.duration',
      unit: 's',
      description:
        'The same by class of status alone, under the name that dashboards of old ask for',
    },
    () => byClass(figures).values(),
  )
  metrics.counter(
    {
      name: 'http.server.edge.requests',
      unit: '{request}',
      description: 'Requests that were answered before routing',
    },
    () => [{ labels: {}, value: figures.edgeCount }],
  )
  metrics.gauge(
    {
      name: 'http.server.active_requests',
      unit: '{request}',
      description: 'Requests under way; what is answered before routing never is',
    },
    () => [{ labels: {}, value: figures.activeCount }],
  )
}

function byClass(figures: RequestFigures): Map<string, HistogramPoint> {
  const classes = new Map<string, HistogramPoint>()
  for (const { status, counts, sumSeconds } of figures.all()) {
    const statusClass = `${Math.floor(status / 100)}xx`
    const known = classes.get(statusClass)
    classes.set(statusClass, {
      labels: { status: statusClass },
      bounds: durationBoundsSeconds,
      counts: known ? counts.map((count, index) => count + (known.counts[index] ?? 0)) : counts,
      sum: sumSeconds + (known?.sum ?? 0),
    })
  }
  return classes
}
