import { SpanKind, SpanStatusCode, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { hrTimeToMilliseconds } from '@opentelemetry/core'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { takingDetails } from './without-details.ts'

/** What one process does for one request or job: the span that it begins with, and what happens below it. */
type Work = {
  readonly first: Span
  /** Ended, and not decided about; at most `ofOneWorkMax`, the newest. */
  held: ReadableSpan[]
  isWanted: boolean
  state: 'open' | 'kept' | 'dropped'
}

/** The newest of one piece of work: parents end after their children, so what is left has its parents. */
const ofOneWorkMax = 256
/** Of all work that is open; about 3 KiB each. */
const ofAllWorkMax = 4096

/**
 * Hands on what the sampler chose, and besides it every request and job that failed, and every request that was slow: whether
 * it was is known at its end, so until then its spans are held. What is handed on is marked as sampled, as all that it has
 * begun in other processes since would have been.
 *
 * Refused: leaving it to a collector. It would have to be sent everything, which is what sampling saves.
 */
export class KeptSpans implements SpanProcessor {
  readonly #next: SpanProcessor
  readonly #slowMs: number
  readonly #withoutDetails = takingDetails()
  readonly #works = new WeakMap<object, Work>()
  #heldCount = 0

  /** @param slowMs a request that takes as long is kept */
  constructor(next: SpanProcessor, slowMs: number) {
    this.#next = next
    this.#slowMs = slowMs
  }

  onStart(span: Span, parentContext: Context): void {
    if (isSampled(span)) {
      return
    }
    const parent = trace.getSpan(parentContext)
    const work = parent && this.#works.get(parent)
    this.#works.set(span, work ?? { first: span, held: [], isWanted: false, state: 'open' })
  }

  onEnd(span: ReadableSpan): void {
    const work = this.#works.get(span)
    if (!work) {
      this.#send(span)
    } else if (work.state === 'open') {
      work.isWanted ||= span.status.code === SpanStatusCode.ERROR
      if (span === work.first) {
        this.#decide(work, span)
      } else {
        this.#hold(work, span)
      }
    } else if (work.state === 'kept') {
      this.#send(span)
    }
  }

  async forceFlush(): Promise<void> {
    await this.#next.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#next.shutdown()
  }

  #hold(work: Work, span: ReadableSpan): void {
    if (work.held.length === ofOneWorkMax || this.#heldCount === ofAllWorkMax) {
      this.#heldCount -= work.held.shift() ? 1 : 0
    }
    if (this.#heldCount < ofAllWorkMax) {
      work.held.push(span)
      this.#heldCount += 1
    }
  }

  #decide(work: Work, first: ReadableSpan): void {
    const isSlow =
      first.kind === SpanKind.SERVER && hrTimeToMilliseconds(first.duration) >= this.#slowMs
    const { held } = work
    work.state = work.isWanted || isSlow ? 'kept' : 'dropped'
    work.held = []
    this.#heldCount -= held.length
    if (work.state === 'kept') {
      held.forEach((span) => this.#send(span))
      this.#send(first)
    }
  }

  #send(span: ReadableSpan): void {
    span.spanContext().traceFlags |= TraceFlags.SAMPLED
    this.#next.onEnd(this.#withoutDetails(span))
  }
}

const isSampled = (span: Span): boolean =>
  (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0
