import { as, type Alert } from './alert.ts'
import { objectives } from './thresholds.ts'

/** How fast the budget of errors of 30 days is used up, in multiples of the rate that would just last; as the SRE Workbook has
 *  it (chapter 5, table 5-8): a page when 2 % are gone in an hour or 5 % in six, a ticket when 10 % are gone in three days. The
 *  short window ends the alert soon after the trouble. */
const burns = [
  { name: 'Fast', severity: 'critical', long: '1h', short: '5m', factor: 14.4, gone: '2 % in 1 h' },
  { name: 'Medium', severity: 'critical', long: '6h', short: '30m', factor: 6, gone: '5 % in 6 h' },
  { name: 'Slow', severity: 'warning', long: '3d', short: '6h', factor: 1, gone: '10 % in 3 d' },
] as const

/** Every window that a burn rate is taken over. */
export const burnWindows = ['5m', '30m', '1h', '6h', '3d'] as const

/** The recorded share of requests that broke a promise. */
export const burnRecord = {
  availability: (window: string) => `api:http_errors:ratio_rate${window}`,
  latency: (window: string) => `api:http_slow:ratio_rate${window}`,
} as const

type Objective = keyof typeof burnRecord

const title = { availability: 'Availability', latency: 'Latency' } as const

function burnAlerts(objective: Objective): readonly Alert[] {
  const { ratio, words } = objectives[objective]
  const record = burnRecord[objective]
  return burns.map(({ name, severity, long, short, factor, gone }): Alert => {
    // 14.4 * (1 - 0.999) is not 0.0144 in binary
    const limit = Number((factor * (1 - ratio)).toPrecision(6))
    return {
      name: `${title[objective]}Burn${name}`,
      severity,
      expr: `${record(long)} > ${limit} and ${record(short)} > ${limit}`,
      forSeconds: 0,
      when: `the budget of "${words}" is used up ${factor} times as fast as it lasts (${gone})`,
      value: as.percent,
      dashboard: 'overview',
      runbook: {
        means: `Promised is that ${words}, over 30 days. At this rate the promise is broken before they are over.`,
        look:
          objective === 'availability'
            ? 'As for ApiErrorsCritical, over the longer window: a small share of errors that does not end.'
            : 'As for ApiLatencyCritical, over the longer window.',
        act: 'Fast and Medium: now. Slow: make it the next thing that is worked on; pause roll-outs until it is mended.',
      },
    }
  })
}

/** Alerts on what is promised, whatever the cause. */
export const burnRateAlerts: readonly Alert[] = [
  ...burnAlerts('availability'),
  ...burnAlerts('latency'),
]
