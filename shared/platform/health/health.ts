import type { Clock } from '../clock.ts'
import { within } from '../resilience/within.ts'

/** One dependency and how to ask it. */
export type HealthCheck = {
  readonly name: string
  /** Whether the process is of any use without it. */
  readonly isRequired: boolean
  /** Resolves with facts to show when it works; rejects when it does not. */
  readonly probe: (signal: AbortSignal) => Promise<Readonly<Record<string, string>> | void>
}

export type ServiceHealth = {
  readonly healthy: boolean
  /** Milliseconds until it answered or was given up. */
  readonly latency: number
}

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

export type HealthReport = {
  readonly status: HealthStatus
  readonly timestamp: string
  /** Seconds since the process began to serve. */
  readonly uptime: number
  readonly version: string
  readonly services: Readonly<Record<string, ServiceHealth>>
  readonly memory: { readonly used: number; readonly total: number; readonly percentage: number }
}

export type Health = {
  /** Asks every dependency at once; concurrent callers share one round, and its answer holds for a second. */
  report(): Promise<HealthReport>
  /** False before `open` and from `drain` on: the load balancer sends nobody. */
  isReady(): boolean
  open(): void
  drain(): void
}

export type HealthOptions = {
  readonly version: string
  readonly checks: readonly HealthCheck[]
  readonly clock: Clock
  /** Bytes of the heap in use and its limit. */
  readonly memory: () => { readonly used: number; readonly total: number }
  /** The longest that a basic report waits for one dependency. */
  readonly budgetMs?: number
}

/** How long a round of answers holds: a thousand callers a second cost one round. */
const roundHoldsMs = 1_000

/** Health of one process: `unhealthy` without a required dependency, `degraded` without another. */
export function createHealth(options: HealthOptions): Health {
  const { clock, checks, version, budgetMs = 80 } = options
  const startedMs = clock.monotonicMs()
  let round: { readonly atMs: number; readonly report: Promise<HealthReport> } | undefined
  let isOpen = false

  async function ask(check: HealthCheck): Promise<Answered> {
    const askedMs = clock.monotonicMs()
    const latency = (): number => Math.round((clock.monotonicMs() - askedMs) * 10) / 10
    try {
      const facts = await within(budgetMs, clock, check.probe)
      return { check, service: { healthy: true, latency: latency(), ...facts } }
    } catch {
      return { check, service: { healthy: false, latency: latency() } }
    }
  }

  async function build(): Promise<HealthReport> {
    const answered = await Promise.all(checks.map(ask))
    const { used, total } = options.memory()
    return {
      status: judge(answered),
      timestamp: clock.now().toISOString(),
      uptime: Math.round((clock.monotonicMs() - startedMs) / 1000),
      version,
      services: Object.fromEntries(answered.map(({ check, service }) => [check.name, service])),
      memory: { used, total, percentage: Math.round((used / total) * 1000) / 10 },
    }
  }

  return {
    report() {
      const nowMs = clock.monotonicMs()
      if (round === undefined || nowMs - round.atMs >= roundHoldsMs) {
        round = { atMs: nowMs, report: build() }
      }
      return round.report
    },
    isReady: () => isOpen,
    open: () => void (isOpen = true),
    drain: () => void (isOpen = false),
  }
}

type Answered = { readonly check: HealthCheck; readonly service: ServiceHealth }

function judge(answered: readonly Answered[]): HealthStatus {
  const failed = answered.filter(({ service }) => !service.healthy)
  if (failed.length === 0) {
    return 'healthy'
  }
  return failed.some(({ check }) => check.isRequired) ? 'unhealthy' : 'degraded'
}
