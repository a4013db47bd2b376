import { hash } from 'node:crypto'
import type { Tracked } from './change-log.ts'
import type { Demand } from './demand.ts'
import { tablesOfTags } from './dependencies.ts'
import type { CacheKey, Entry, Filling, Lifetime, Stamp } from './entry.ts'
import { residentOverheadBytes } from './memory-tier.ts'
import { unpooled } from './unpooled.ts'

/** Codings in which a body is kept besides as it is, the most welcome first. */
export const codings = ['br', 'zstd', 'gzip'] as const
export type Coding = (typeof codings)[number]

/** An entry as this process keeps it. The fields that are written to again and again are the last five. */
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
    /** How much it is wanted; absent where no URL asks for it. */
    demand: Demand | undefined
  }

/** A weak validator made once from the bytes of the body. */
export function etagOf(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 16)}"`
}

/** Bytes beside the characters, as `npm run bench -- entry-memory` measures them (node 26, 2026-11-25): of a text and its
 *  place in a list, of a membership with its interval, of a coding, and of the rest of an entry. */
const weights = {
  text: 32,
  membership: 760,
  coding: 120,
  demand: 250,
  entry: 1160 + residentOverheadBytes,
}

/** How a value counts against the bound; within 10 % of what it weighs. */
export function sizeOf(held: Held): number {
  const { key, body, encoded, encodedBytes, headers, dependencies, demand } = held
  const sizeOfTexts = (texts: readonly string[]): number =>
    texts.reduce((sum, { length }) => sum + length + weights.text, 0)
  return (
    weights.entry +
    body.length +
    encodedBytes +
    encoded.size * weights.coding +
    key.length +
    sizeOfTexts(Object.values(headers)) +
    sizeOfTexts(dependencies.tags) +
    dependencies.memberships.length * weights.membership +
    (demand ? weights.demand + demand.question.url.length : 0)
  )
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
  const body = unpooled(filling.body)
  return { ...filling, body, key, route, filledAtMs, fillMs, lifetime, etag: etagOf(body) }
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
    demand: undefined,
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
