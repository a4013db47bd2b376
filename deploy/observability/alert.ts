/** `critical`: somebody must look now. `warning`: somebody must look today. `rollout`: nobody is woken; whoever rolls out a
 *  version pauses while one of these fires. */
export type Severity = 'critical' | 'warning' | 'rollout'

/** A rule that fires, with what the one who is told of it needs. */
export type Alert = {
  /** In CamelCase; also the heading in docs/runbooks.md. */
  readonly name: string
  readonly severity: Severity
  /** PromQL: the series for which it fires. */
  readonly expr: string
  /** How long it must have been so; REQUIREMENTS O-12 wants critical ones to be told within a minute. */
  readonly forSeconds: number
  /** When it fires, in words; one clause. */
  readonly when: string
  /** `$value` as a text of Prometheus' templates: `{{ $value | humanizePercentage }}`. */
  readonly value: string
  /** The dashboard that shows it. */
  readonly dashboard: DashboardName
  readonly runbook: Runbook
}

export type DashboardName = 'overview' | 'api' | 'cache' | 'database' | 'jobs' | 'fx' | 'process'

/** What the one who is woken reads; sentences. */
export type Runbook = {
  readonly means: string
  readonly look: string
  readonly act: string
}

/** How values are written. */
export const as = {
  percent: '{{ $value | humanizePercentage }}',
  seconds: '{{ $value | humanizeDuration }}',
  bytes: '{{ $value | humanize1024 }}B',
  number: '{{ $value | humanize }}',
} as const
