import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { Problem } from '../problem.ts'
import {
  Circuit,
  standardLimits,
  type CircuitLimits,
  type CircuitState,
  type Outcome,
  type Pass,
} from './circuit.ts'
import { createProbing, type Probe } from './probing.ts'
import { resilienceProblems } from './problems.ts'
import { TimedOut, within } from './within.ts'

export type BreakerOptions = {
  /** The dependency, for metrics and logs: `redis-cache`, `postgres`, `fx-ecb`. */
  readonly name: string
  readonly limits?: Partial<CircuitLimits>
  /** What an error of a call says about the dependency. A 4xx, 23505 or `OOM` is an answer; a caller who went away is unknown. */
  readonly judge: (error: unknown) => Outcome
  /** The longest a trial may take; a dependency that is back answers at once. 250 ms when left out. */
  readonly trialTimeoutMs?: number
  /** Asks the dependency beside the calls while the circuit is open, so that recovery does not wait for the pause to end. */
  readonly probe?: Probe
  /** Told after each change of state, for metrics and the log. Must not throw. */
  readonly onTransition?: (change: Transition) => void
}

export type Transition = {
  readonly name: string
  readonly from: CircuitState
  readonly to: CircuitState
}

export type BreakerSnapshot = {
  readonly state: CircuitState
  /** Failures that count at the moment. */
  readonly failures: number
  /** When the next call is let through; absent unless OPEN. */
  readonly nextAttemptAt: Date | undefined
  /** How often each state was entered since the start. */
  readonly transitions: Readonly<Record<CircuitState, number>>
}

export type CircuitBreaker = {
  /**
   * Makes the call if the circuit lets it through. When it does not: the fallback, or without one a 503 problem.
   * An error of the call itself is thrown on as it is; the fallback is for an open circuit only.
   * The signal ends when a trial takes too long; pass it on together with your own.
   * @throws {Problem} platform/dependency-unavailable
   */
  run<T>(call: (signal: AbortSignal) => Promise<T>, fallback?: () => T | Promise<T>): Promise<T>
  snapshot(): BreakerSnapshot
  /** Lets every call through again, whatever failed before; five new failures open the circuit anew.
   *  @returns the state that it was in */
  reset(): CircuitState
}

/** What operators see and do of a circuit. */
export type OperatedCircuit = Pick<CircuitBreaker, 'snapshot' | 'reset'>

type Needs = { readonly clock: Clock; readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'> }

/** A circuit breaker around one dependency; its rules are in circuit.ts. */
export function createCircuitBreaker(options: BreakerOptions, needs: Needs): CircuitBreaker {
  const { name, judge, probe, trialTimeoutMs = 250 } = options
  const { clock } = needs
  const transitions: Record<CircuitState, number> = { CLOSED: 0, OPEN: 0, HALF_OPEN: 0 }
  const circuit = new Circuit({ ...standardLimits, ...options.limits }, (from, to) => {
    transitions[to] += 1
    if (to === 'OPEN') {
      beginProbing?.()
    }
    options.onTransition?.({ name, from, to })
  })
  const beginProbing = probe ? createProbing(name, probe, circuit, needs) : undefined

  async function attempt<T>(pass: Pass, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      const limitMs = pass.isTrial ? trialTimeoutMs : undefined
      const result = await within(limitMs, clock, call)
      circuit.settle(pass, 'answered', clock.monotonicMs())
      return result
    } catch (error) {
      const outcome = error instanceof TimedOut ? 'failed' : judge(error)
      circuit.settle(pass, outcome, clock.monotonicMs())
      throw error
    }
  }

  return {
    async run(call, fallback) {
      const pass = circuit.admit(clock.monotonicMs())
      if (pass) {
        return attempt(pass, call)
      }
      if (fallback) {
        return fallback()
      }
      throw unavailable(name, circuit.view(clock.monotonicMs()).waitMs)
    },
    snapshot() {
      const { state, failures, waitMs } = circuit.view(clock.monotonicMs())
      const nextAttemptAt = state === 'OPEN' ? new Date(clock.now().getTime() + waitMs) : undefined
      return { state, failures, nextAttemptAt, transitions: { ...transitions } }
    },
    reset() {
      const { state } = circuit.view(clock.monotonicMs())
      circuit.close(clock.monotonicMs())
      return state
    },
  }
}

function unavailable(name: string, waitMs: number): Problem {
  const detail = 'The request could not be served because a service behind it does not answer.'
  return new Problem(resilienceProblems.dependencyUnavailable, detail, {
    facts: { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
    cause: new Error(`the circuit of ${name} is open`),
  })
}
