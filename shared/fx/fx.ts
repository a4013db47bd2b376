import type { Clock } from '#platform/clock'
import type { Database } from '#platform/database/database'
import { createHttpClient, type HttpLimits } from '#platform/http/http-client'
import type { ResolveHost } from '#platform/http/public-address'
import type { Log } from '#platform/log'
import type { CircuitBreaker } from '#platform/resilience/circuit-breaker'
import type { Random } from '#platform/random'
import { createSingleFlight, type SingleFlight } from '#platform/single-flight'
import type { FxProvider } from './provider.ts'
import {
  createProvider,
  providerHosts,
  type ProviderName,
  type ProviderOptions,
} from './providers.ts'
import { createRateReads, type RateReads } from './rate-reads.ts'
import type { Answer } from './refresh-result.ts'
import { guardQuota } from './quota.ts'

/** Settings of the domain; the config maps its variables to these. Milliseconds. */
export type FxOptions = {
  /** In order of preference; reads consider no others. */
  readonly providers: readonly ProviderName[]
  readonly sources: ProviderOptions
  readonly http: HttpLimits
  /** For tests and laptops: providers on this machine, over plain http. */
  readonly allowsLoopback: boolean
  /** How long a caller who needs a rate waits for providers in all. Below the 10 s deadline of a write. */
  readonly ensureTimeoutMs: number
  /** A provider that was asked this recently is not asked again on a caller's behalf, whatever it answered: a pair that
   *  nobody quotes must not turn every request into a call. The scheduled refresh does not care. */
  readonly askAgainMs: number
  /** One call brings everything that a provider has; false: a call for every pair, as a way back. */
  readonly isBatchEnabled: boolean
}

/** What is used of a provider's circuit breaker. */
export type Breaker = Pick<CircuitBreaker, 'run' | 'snapshot' | 'reset'>

/** What the domain's functions need, opened once per process. */
export type Fx = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly providers: readonly FxProvider[]
  /** Of each provider that has one; what it shows is this process's view. */
  readonly breakers: ReadonlyMap<string, Breaker>
  readonly flight: SingleFlight<Answer>
  readonly reads: RateReads
  readonly options: FxOptions
}

export type FxParts = Pick<Fx, 'db' | 'clock' | 'random' | 'log'> & {
  /** The circuit breaker of each provider; none when left out. */
  readonly breakerFor?: (name: ProviderName) => Breaker
  /** The name server, for tests. */
  readonly resolve?: ResolveHost
}

/** Wires the configured providers. Opens no connection and holds nothing that needs closing.
 *  @throws {Error} if a provider lacks its configuration */
export function createFx(options: FxOptions, parts: FxParts): Fx {
  const { http: limits, allowsLoopback, sources } = options
  const { db, clock, random, log, breakerFor } = parts
  const http = createHttpClient({ limits, hosts: providerHosts(sources), allowsLoopback }, parts)
  const breakers = new Map<string, Breaker>()
  const providers = options.providers.map((name) => {
    const breaker = breakerFor?.(name)
    if (breaker) {
      breakers.set(name, breaker)
    }
    return createProvider(name, sources, {
      ...parts,
      http,
      guardFor(quota) {
        const withinQuota = guardQuota(parts, name, quota)
        return (work) => (breaker ? breaker.run(() => withinQuota(work)) : withinQuota(work))
      },
    })
  })
  const reads = createRateReads({ db, clock, providers: options.providers })
  const flight = createSingleFlight<Answer>()
  return { db, clock, random, log, providers, breakers, options, flight, reads }
}
