import { describeProviders, type Fx } from '#fx'
import { measureCircuits } from '#platform/metrics/measure-circuits'
import { measureQueues, measureRuns } from '#platform/metrics/measure-queues'
import type { ProcessMetrics } from '#platform/metrics/process-metrics'
import { startSampling } from '#platform/sampling'
import type { Platform } from '#platform/platform'
import type { Queues } from '#platform/queue/queues'
import { readBacklog } from '#platform/queue/read-backlog'
import { circuitsOf } from '#platform/resilience/circuits'
import type { RunFigures } from '#platform/queue/run-figures'

type Slice = Platform & { readonly fx: Fx; readonly queues: Queues }

/** Measures what the worker alone looks at: queues and what is behind them, runs of jobs, rates and their publishers. */
export function measureWorker(metrics: ProcessMetrics, slice: Slice, runs: RunFigures): void {
  const { fx, clock } = slice
  measureRuns(metrics, runs)
  measureQueues(
    metrics,
    startSampling('queues', () => readBacklog(slice), slice),
    clock,
  )
  measureCircuits(metrics, circuitsOf({ ...slice, publishers: fx.breakers }))
  const providers = startSampling('rates', () => describeProviders(fx, []), slice)
  const each = () => providers()?.value ?? []
  metrics.gauge(
    {
      name: 'fx.rate.age',
      unit: 's',
      description: 'Age of the newest rate that would be used, by provider and class of assets',
    },
    () =>
      each().flatMap(({ provider, ageSeconds }) =>
        Object.entries(ageSeconds).map(([kind, value]) => ({ labels: { provider, kind }, value })),
      ),
  )
  metrics.gauge(
    {
      name: 'fx.rate.last_success.timestamp',
      unit: 's',
      description: 'When a provider was last asked with success, in seconds since 1970',
    },
    () =>
      each().flatMap(({ provider, lastSuccessAt }) =>
        lastSuccessAt === undefined
          ? []
          : [{ labels: { provider }, value: Date.parse(lastSuccessAt) / 1_000 }],
      ),
  )
}
