import { as, type Alert, type Severity } from '../alert.ts'
import { thresholds } from '../thresholds.ts'

const { stable, volatile } = thresholds.rateAgeSeconds
const hour = 3_600

const tooOld = (severity: keyof typeof stable & Severity): string =>
  Object.entries({ stable, volatile })
    .map(([kind, of]) => `min by (kind) (fx_rate_age_seconds{kind="${kind}"}) > ${of[severity]}`)
    .join(' or ')

const old = {
  forSeconds: 15,
  value: as.seconds,
  dashboard: 'fx',
  runbook: {
    means:
      '`kind` is `stable` (currencies and tokens that follow one) or `volatile` (other tokens): the age of the newest rate of whichever provider has the newest. Beyond the critical age new links are refused with 503 unless they allow stale rates.',
    look: 'tRPC `fx.providers`: last success and error of each, circuit, quota, next call; `fx.batches`.',
    act: '`fx.fetchNow`. A provider that is gone for good: another one in `FX_PROVIDERS`. Banks are closed for up to five days at Easter.',
  },
} as const

/** Exchange rates and their publishers. */
export const fxAlerts: readonly Alert[] = [
  {
    name: 'FxRatesTooOld',
    severity: 'critical',
    expr: tooOld('critical'),
    when: `rates are older than ${stable.critical / hour / 24} days (currencies) or ${volatile.critical / hour} hours (tokens)`,
    ...old,
  },
  {
    name: 'FxRatesAging',
    severity: 'warning',
    expr: tooOld('warning'),
    when: `rates are older than ${stable.warning / hour / 24} days (currencies) or ${volatile.warning / hour} hours (tokens)`,
    ...old,
  },
  {
    name: 'FxProviderCircuitOpen',
    severity: 'warning',
    expr: 'circuit_breaker_state{name=~"fx-.+",state="OPEN"} == 1',
    forSeconds: 300,
    when: 'the circuit to a provider of rates has been open for 5 minutes',
    value: as.number,
    dashboard: 'fx',
    runbook: {
      means:
        'A publisher fails again and again; the next one in the order is asked, and good rates serve on.',
      look: 'tRPC `fx.providers`: the last error.',
      act: 'Nothing while another provider is well. See FxRatesAging otherwise.',
    },
  },
]
