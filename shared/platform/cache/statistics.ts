import type { MissReason, Outcome, Served } from './served.ts'

/** What a cache did for one route since the process began. */
export type RouteStatistics = {
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly reasons: Readonly<Record<MissReason, number>>
  readonly redisHits: number
  readonly collapsed: number
  /** Milliseconds that its fetches took in all. */
  readonly fillMs: number
}

export type Counter =
  | 'fill-failed'
  | 'refresh-failed'
  | 'value-refused'
  | 'token-primary'
  | 'token-waited'
  | 'acknowledge-failed'
  | 'reset'

export type CacheStatistics = {
  readonly routes: Readonly<Record<string, RouteStatistics>>
  readonly counters: Readonly<Record<Counter, number>>
}

/** Counts by route and outcome; routes are templates, so there are not many. */
export class Statistics {
  readonly #routes = new Map<string, Mutable>()
  readonly #counters: Record<Counter, number> = {
    'fill-failed': 0,
    'refresh-failed': 0,
    'value-refused': 0,
    'token-primary': 0,
    'token-waited': 0,
    'acknowledge-failed': 0,
    reset: 0,
  }

  served({ held, outcome, tier, reason, isCollapsed }: Served): void {
    const route = this.#of(held.route)
    route.outcomes[outcome] += 1
    route.collapsed += isCollapsed ? 1 : 0
    if (outcome === 'miss') {
      route.reasons[reason ?? 'absent'] += 1
      route.fillMs += isCollapsed ? 0 : held.fillMs
    } else if (tier === 'redis') {
      route.redisHits += 1
    }
  }

  count(counter: Counter): void {
    this.#counters[counter] += 1
  }

  read(): CacheStatistics {
    const routes = [...this.#routes].map(([route, one]) => [
      route,
      { ...one, outcomes: { ...one.outcomes }, reasons: { ...one.reasons } },
    ])
    return { routes: Object.fromEntries(routes), counters: { ...this.#counters } }
  }

  #of(name: string): Mutable {
    const known = this.#routes.get(name)
    if (known) {
      return known
    }
    const route = {
      outcomes: { hit: 0, aged: 0, unconfirmed: 0, 'source-down': 0, miss: 0 },
      reasons: { absent: 0, changed: 0, expired: 0, bypass: 0, off: 0 },
      redisHits: 0,
      collapsed: 0,
      fillMs: 0,
    }
    this.#routes.set(name, route)
    return route
  }
}

type Mutable = {
  readonly outcomes: Record<Outcome, number>
  readonly reasons: Record<MissReason, number>
  redisHits: number
  collapsed: number
  fillMs: number
}
