import type { IncomingHttpHeaders } from 'node:http'
import type { Caller } from '#members'
import type { CacheRead } from '#platform/cache/cache'
import type { Coding, Held } from '#platform/cache/held'
import type { DurationSeries } from '#platform/telemetry/request-figures'
import { recordHead, type RecordedHead } from './recorded-head.ts'

/**
 * What Express answered to requests that were served from memory, so that the same request can be given the same answer
 * without it. The head is remembered as it was sent, with the places of what is new in every answer; the body is the kept
 * answer's own. Whether the caller may still read it, and whether it is still true, is asked for every request.
 */
export class Recordings {
  readonly #readsMax: number
  #young = new Map<string, Map<string, RecordedRead>>()
  #old = new Map<string, Map<string, RecordedRead>>()
  #youngCount = 0
  readonly #bodies = new WeakMap<Held, Map<Coding, Buffer>>()

  /** @param readsMax pairs of credential and URL that are remembered for certain; up to twice as many are */
  constructor(readsMax: number) {
    this.#readsMax = readsMax
  }

  find(credential: string, url: string): RecordedRead | undefined {
    const known = this.#young.get(credential)?.get(url)
    if (known) {
      return known
    }
    const older = this.#old.get(credential)?.get(url)
    if (older) {
      this.#keep(credential, url, older)
    }
    return older
  }

  /** Remembers an answer that was sent. */
  note(asked: AskedRead, answer: RecordedAnswer): void {
    const { headers, url, credential, caller, read } = asked
    if (url.length > urlLengthMax || credential === undefined) {
      return
    }
    const authorization = headers.authorization ?? ''
    const found = this.find(authorization, url)
    const isSame = found !== undefined && found.caller === caller && found.held() === answer.held
    const known = isSame ? found : newRead({ credential, caller, read }, answer.held)
    if (!isSame) {
      this.#keep(authorization, url, known)
    }
    const variant = variantOf(headers)
    const heads: Heads = known.variants.get(variant)?.heads ?? {}
    if (known.variants.size < variantsMax || known.variants.has(variant)) {
      const { series } = answer
      heads[answer.status] = { ...recordHead(answer.head), series }
      known.variants.set(variant, { coding: answer.coding, heads })
      this.#keepBody(answer)
    }
  }

  /** The bytes of a kept answer in a coding, when they have been sent before. */
  bodyOf(held: Held, coding: Coding | undefined): Buffer | undefined {
    return coding === undefined ? held.body : this.#bodies.get(held)?.get(coding)
  }

  #keepBody({ held, coding, bytes }: RecordedAnswer): void {
    if (coding !== undefined && bytes !== undefined) {
      const bodies = this.#bodies.get(held) ?? new Map<Coding, Buffer>()
      this.#bodies.set(held, bodies.set(coding, bytes))
    }
  }

  #keep(credential: string, url: string, read: RecordedRead): void {
    if (this.#youngCount >= this.#readsMax) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngCount = 0
    }
    const reads = this.#young.get(credential) ?? new Map<string, RecordedRead>()
    this.#youngCount += reads.has(url) ? 0 : 1
    this.#young.set(credential, reads.set(url, read))
  }
}

/** The question as Express understood it. */
export type AskedRead = {
  readonly headers: IncomingHttpHeaders
  /** As it was sent. */
  readonly url: string
  readonly caller: Caller
  /** How the verdict on the credential is asked for. */
  readonly credential: CacheRead | undefined
  readonly read: CacheRead
}

export type RecordedRead = {
  readonly caller: Caller
  readonly credential: CacheRead
  readonly read: CacheRead
  /** Whose head is remembered; weak, or answers would outlive the bound of the cache. */
  readonly held: () => Held | undefined
  /** By what else of the request the head depends on. */
  readonly variants: Map<string, Variant>
}

type Variant = {
  readonly coding: Coding | undefined
  readonly heads: Heads
}

/** With the place of such answers in the figures. */
type Head = RecordedHead & { readonly series: DurationSeries }
type Heads = { 200?: Head; 304?: Head }

type RecordedAnswer = {
  readonly held: Held
  readonly status: 200 | 304
  /** The text of its head. */
  readonly head: string
  readonly coding: Coding | undefined
  /** Of a 200. */
  readonly bytes?: Buffer
  readonly series: DurationSeries
}

/** Longer ones are no URLs of clients that ask again. */
const urlLengthMax = 2_048
/** Of one question, by codings and origins. */
const variantsMax = 8

/** Beside URL and credential a head depends on the codings that the client takes and on the page that asks. */
export function variantOf(headers: IncomingHttpHeaders): string {
  const { 'accept-encoding': codings = '', origin } = headers
  const accepted = typeof codings === 'string' ? codings : ''
  return origin === undefined ? accepted : `${accepted}\n${origin}`
}

function newRead(
  asked: Pick<RecordedRead, 'credential' | 'caller' | 'read'>,
  held: Held,
): RecordedRead {
  const weak = new WeakRef(held)
  return { ...asked, held: () => weak.deref(), variants: new Map() }
}
