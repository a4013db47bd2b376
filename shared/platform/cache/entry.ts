import type { Dependencies } from './dependencies.ts'
import type { Snapshot } from './snapshot.ts'

/** What the statement that made an answer saw, and of which database: a crash may give a transaction id out twice, and then
 *  the epoch is another. */
export type Stamp = { readonly epoch: string; readonly snapshot: Snapshot }

/** How long an answer is served. Seconds; a clock only ever makes it shorter than the truth allows, never longer. */
export type Lifetime = {
  readonly freshSeconds: number
  /** For so long after that it is served while a new one is fetched. */
  readonly staleSeconds: number
}

/** Names one answer. Made by `cacheKey` alone, so that there is none without the visibility it was made for. */
export type CacheKey = string & { readonly __brand: 'CacheKey' }

/** Whom an answer was made for. */
export type Audience = 'public' | { readonly organisationId: string; readonly memberId?: string }

/** `env|audience|route|projection|query`. The parts may hold anything but a line break, which ends each of them.
 *  @param shape what of the code the answer depends on, so that two versions of the product do not read each other's */
export function cacheKey(
  audience: Audience,
  {
    route,
    shape,
    query,
  }: { readonly route: string; readonly shape: string; readonly query: string },
): CacheKey {
  const whom =
    audience === 'public' ? 'public' : `${audience.organisationId}\n${audience.memberId ?? ''}`
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only place that makes one
  return `${whom}\n${route}\n${shape}\n${query}` as CacheKey
}

/** What a fill gives: an answer, and everything that says how long it is true. */
export type Filling = {
  readonly status: 200 | 404
  readonly body: Buffer
  /** Headers that belong to the answer itself, such as `Link`. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent: must not be kept, for instance because the transaction that read it had written. */
  readonly stamp?: Stamp
  readonly dependencies: Dependencies
  /** The instant at which the clock alone makes it untrue; milliseconds since 1970. */
  readonly validUntilMs?: number
}

/** An answer that is kept. Never changed once it is made. */
export type Entry = Omit<Filling, 'stamp'> & {
  readonly key: CacheKey
  /** The template of the route, for figures and for operators. */
  readonly route: string
  readonly stamp: Stamp
  /** Weak, from the bytes of the body. */
  readonly etag: string
  /** When its statement was sent; milliseconds since 1970. */
  readonly filledAtMs: number
  /** What the fill took; how early it is refreshed depends on it. */
  readonly fillMs: number
  readonly lifetime: Lifetime
}
