import type { Clock } from '#platform/clock'
import type { Database } from '#platform/database/database'
import { createHttpClient, type Guard, type HttpLimits } from '#platform/http/http-client'
import type { ResolveHost } from '#platform/http/public-address'
import type { Log } from '#platform/log'
import type { Random } from '#platform/random'
import { createSingleFlight, type SingleFlight } from '#platform/single-flight'
import type { FxProvider } from './provider.ts'
import {
  createProvider,
  providerHosts,
  type ProviderName,
  type ProviderOptions,
} from './providers.ts'
import type { RefreshResult } from './refresh-result.ts'

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
}

/** What the domain's functions need, opened once per process. */
export type Fx = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly providers: readonly FxProvider[]
  readonly flight: SingleFlight<RefreshResult>
  readonly options: FxOptions
}

export type FxParts = Pick<Fx, 'db' | 'clock' | 'random' | 'log'> & {
  /** The circuit breaker of each provider; none when left out. */
  readonly guardFor?: (name: ProviderName) => Guard
  /** The name server, for tests. */
  readonly resolve?: ResolveHost
}

/** Wires the configured providers. Opens no connection and holds nothing that needs closing.
 *  @throws {Error} if a provider lacks its configuration */
export function createFx(options: FxOptions, parts: FxParts): Fx {
  const { guardFor = () => (work) => work() } = parts
  const { http: limits, allowsLoopback, sources } = options
  const http = createHttpClient({ limits, hosts: providerHosts(sources), allowsLoopback }, parts)
  const providers = options.providers.map((name) =>
    createProvider(name, sources, { ...parts, http, guardFor }),
  )
  const { db, clock, random, log } = parts
  return { db, clock, random, log, providers, options, flight: createSingleFlight() }
}
