import type { Clock } from '../clock.ts'
import type { RunFigures } from '../queue/run-figures.ts'
import type { Backlog } from '../queue/read-backlog.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Sample } from '../sampling.ts'
import type { Point } from '../telemetry/metric.ts'

/** Queues and what is behind them, as they were sampled last.
 *  @param latest undefined before the first sample: then nothing is said of them */
export function measureQueues(
  metrics: Pick<Metrics, 'gauge'>,
  latest: () => Sample<Backlog> | undefined,
  clock: Pick<Clock, 'monotonicMs'>,
): void {
  const gauge = (
    [name, unit, description]: readonly [string, string, string],
    pointsOf: (backlog: Backlog) => readonly Point[],
  ): void =>
    metrics.gauge({ name, unit, description }, () => {
      const sample = latest()
      return sample ? pointsOf(sample.value) : []
    })
  gauge(['queue.jobs', '{job}', 'Jobs by queue and state'], ({ queues }) =>
    queues.flatMap(({ queue, waiting, active, delayed, failed }) =>
      Object.entries({ waiting, active, delayed, failed }).map(([state, value]) => ({
        labels: { queue, state },
        value,
      })),
    ),
  )
  gauge(['queue.oldest_job.age', 's', 'How long the next job has waited'], ({ queues }) =>
    queues.map(({ queue, oldestWaitingSeconds: value = 0 }) => ({ labels: { queue }, value })),
  )
  gauge(['queue.paused', '', '1 while an operator has paused the queue'], ({ queues }) =>
    queues.map(({ queue, isPaused }) => ({ labels: { queue }, value: isPaused ? 1 : 0 })),
  )
  gauge(
    ['queue.dead_letters', '{job}', 'Jobs that were given up and wait for a decision'],
    ({ openLetters: value }) => [{ labels: {}, value }],
  )
  gauge(
    ['outbox.lag', 's', 'How long the oldest event waits to be enqueued'],
    ({ outboxLagSeconds: value }) => [{ labels: {}, value }],
  )
  metrics.gauge(
    { name: 'queue.sample.age', unit: 's', description: 'How old these figures are' },
    () => {
      const sample = latest()
      return sample ? [{ labels: {}, value: (clock.monotonicMs() - sample.takenAtMs) / 1_000 }] : []
    },
  )
}

/** Runs of jobs in this process. */
export function measureRuns(metrics: Pick<Metrics, 'histogram'>, figures: RunFigures): void {
  metrics.histogram(
    {
      name: 'job.duration',
      unit: 's',
      description: 'Durations of runs by queue, job and outcome',
    },
    function* () {
      for (const { queue, name, outcome, durations } of figures.all()) {
        const { boundsSeconds: bounds, counts, sumSeconds: sum } = durations
        yield { labels: { queue, name, outcome }, bounds, counts, sum }
      }
    },
  )
}
