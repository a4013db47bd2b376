import type { CheckState } from '../health/check.ts'
import type { Health } from '../health/health.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { startSampling } from '../sampling.ts'

/** While a process starts, checks are late that are well, and who asks first would be given what was asked then. */
const settledAfterMs = 15_000

const states: readonly CheckState[] = ['pass', 'warn', 'fail']

/** What the detailed health report says, check by check, so that an alert needs no threshold that a check has already. Looked
 *  at every 15 s, within the budgets of the checks.
 *  @param health not asked more often than by monitors: it keeps an answer for a second */
export function measureHealth(
  metrics: Pick<Metrics, 'gauge'>,
  health: Pick<Health, 'detailed'>,
  needs: Parameters<typeof startSampling>[2],
): void {
  const latest = startSampling('health', () => health.detailed(), needs, settledAfterMs)
  metrics.gauge(
    {
      name: 'health.check',
      unit: '',
      description: '1 for the state that a check of the health report is in',
    },
    () =>
      Object.entries(latest()?.value.checks ?? {}).flatMap(([check, { status }]) =>
        states.map((state) => ({ labels: { check, state }, value: status === state ? 1 : 0 })),
      ),
  )
  metrics.gauge(
    { name: 'health.sample.age', unit: 's', description: 'How old the states of checks are' },
    () => {
      const sample = latest()
      const ageMs = sample && needs.clock.monotonicMs() - sample.takenAtMs
      return ageMs === undefined ? [] : [{ labels: {}, value: ageMs / 1_000 }]
    },
  )
}
