import { hash } from 'node:crypto'
import type { Tracked } from './change-log.ts'
import { tablesOfTags } from './dependencies.ts'
import type { CacheKey, Entry, Filling, Lifetime, Stamp } from './entry.ts'

/** Codings in which a body is kept besides as it is, the most welcome first. */
export const codings = ['br', 'zstd', 'gzip'] as const
export type Coding = (typeof codings)[number]

/** An entry as this process keeps it. The fields that are written to again and again are the last four. */
export type Held = Entry &
  Tracked & {
    /** On the monotonic clock; the lifetime counts from here. */
    readonly sentAtMs: number
    /** Everything committed before is in it for certain: when this process sent its statement. Of an answer from elsewhere
     *  that cannot be told, for it would depend on another clock. */
    readonly confirmedAtMs: number
    readonly freshUntilMs: number
    readonly staleUntilMs: number
    /** False of an answer that may not be given to anybody else. */
    readonly isKept: boolean
    readonly encoded: Map<Coding, Promise<Buffer>>
    /** Bytes of the encoded bodies that are ready. */
    encodedBytes: number
    hits: number
  }

/** A weak validator made once from the bytes of the body. */
export function etagOf(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 16)}"`
}

/** How a value counts against the bound: its bytes, those of its texts and of its objects, as measured in
 *  `npm run bench -- entry-memory`. */
export function sizeOf({
  key,
  body,
  encodedBytes,
  dependencies: { tags, memberships },
}: Held): number {
  const texts = tags.reduce((sum, tag) => sum + tag.length + 32, 0)
  return body.length + encodedBytes + 2 * key.length + texts + 400 * memberships.length + 900
}

/** That there is nothing is served no longer than this. */
export const missingSeconds = 15

export type Making = {
  readonly key: CacheKey
  readonly route: string
  readonly lifetime: Lifetime
  /** When the statement was sent, on both clocks. */
  readonly sentAtMs: number
  readonly filledAtMs: number
  readonly fillMs: number
}

/** The entry of an answer that was just made. */
export function entryOf(filling: Filling & { readonly stamp: Stamp }, making: Making): Entry {
  const { freshSeconds, staleSeconds } = making.lifetime
  const isFound = filling.status === 200
  const lifetime = {
    freshSeconds: isFound ? freshSeconds : Math.min(freshSeconds, missingSeconds),
    staleSeconds: isFound ? staleSeconds : 0,
  }
  const { key, route, filledAtMs, fillMs } = making
  return { ...filling, key, route, filledAtMs, fillMs, lifetime, etag: etagOf(filling.body) }
}

type Holding = Pick<Held, 'sentAtMs' | 'confirmedAtMs' | 'checkedNumber'> & {
  /** Of the lifetime, 0.9 to 1.1: what was filled together need not end together. */
  readonly spread: number
}

/** Takes an entry in. */
export function hold(
  entry: Entry,
  { sentAtMs, confirmedAtMs, checkedNumber, spread }: Holding,
): Held {
  const { freshSeconds, staleSeconds } = entry.lifetime
  const freshUntilMs = sentAtMs + freshSeconds * spread * 1000
  const { tags } = entry.dependencies
  return {
    ...entry,
    tables: tablesOfTags(tags),
    sentAtMs,
    confirmedAtMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs + staleSeconds * 1000,
    isKept: true,
    encoded: new Map(),
    encodedBytes: 0,
    checkedNumber,
    hits: 0,
  }
}

/** The entry without what only this process knows of it. */
export function bare(held: Held): Entry {
  const { key, route, status, body, etag, headers, stamp, dependencies, validUntilMs } = held
  const { filledAtMs, fillMs, lifetime } = held
  return {
    key,
    route,
    status,
    body,
    etag,
    headers,
    stamp,
    dependencies,
    filledAtMs,
    fillMs,
    lifetime,
    ...(validUntilMs !== undefined && { validUntilMs }),
  }
}
