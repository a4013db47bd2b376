import type { Clock } from '#platform/clock'
import { httpLimits } from '#platform/http/http-client'
import { HttpFailure } from '#platform/http/http-failure'
import type { Lifecycle } from '#platform/lifecycle'
import { createCircuitBreaker } from '#platform/resilience/circuit-breaker'
import { createFx, type Fx, type FxParts } from './fx.ts'
import type { FxConfig } from './settings.ts'

type Parts = Pick<FxParts, 'db' | 'clock' | 'random' | 'log'> & {
  readonly clock: Clock
  readonly lifecycle: Lifecycle
  /** Lets providers answer over plain http on this machine: not in production. */
  readonly allowsLoopback: boolean
}

/** How long a caller waits for providers; leaves time for the transaction within the 10 s of a write. */
const ensureTimeoutMs = 6_000
/** A provider that had nothing is not asked again for a caller within this time. */
const askAgainMs = 30_000

/** Opens the rates of a process as it is configured, each provider behind a circuit breaker of its own. */
export function openFx(config: FxConfig, { lifecycle, allowsLoopback, ...parts }: Parts): Fx {
  const { providers, isBatchEnabled, ...sources } = config
  const limits = { http: httpLimits, allowsLoopback, ensureTimeoutMs, askAgainMs }
  return createFx(
    { providers, sources, isBatchEnabled, ...limits },
    {
      ...parts,
      breakerFor: (name) => {
        // whatever else is thrown says nothing of the provider: its caller left, its quota is used up, our database is away
        const judge = (error: unknown) => (error instanceof HttpFailure ? 'failed' : 'unknown')
        const needs = { clock: parts.clock, lifecycle }
        // a trial is a whole call: a publisher that is back still takes its time
        const trialTimeoutMs = httpLimits.totalTimeoutMs
        return createCircuitBreaker({ name: `fx-${name}`, judge, trialTimeoutMs }, needs)
      },
    },
  )
}
