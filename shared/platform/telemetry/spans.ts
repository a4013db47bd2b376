import {
  INVALID_TRACEID,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  propagation,
  trace,
  type Attributes,
  type SpanOptions,
} from '@opentelemetry/api'

/** Adds what was learned on the way to the span. */
type Note = (attributes: Attributes) => void

/** Runs a call to another party inside a client span. Attributes come from closed sets; never personal data, never a
 *  query string, never a body. */
export function withClientSpan<T>(
  name: string,
  attributes: Attributes,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  return inSpan(name, { kind: SpanKind.CLIENT, attributes }, work)
}

/** Runs a part of our own work inside a span.  @param name of a closed set */
export function withSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
  return inSpan(name, {}, work)
}

function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  return trace.getTracer('tidegate').startActiveSpan(name, options, async (span) => {
    try {
      return await work((more) => void span.setAttributes(more))
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}

/** The trace and span that the current work belongs to, if any. */
export function currentSpan(): { readonly traceId: string; readonly spanId: string } | undefined {
  const current = trace.getActiveSpan()?.spanContext()
  return current?.traceId === INVALID_TRACEID ? undefined : current
}

/** Says that the current work has failed. Its spans are sent then, whatever was drawn. */
export function markFailed(): void {
  const span = trace.getActiveSpan()
  if (span?.isRecording()) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.spanContext().traceFlags |= TraceFlags.SAMPLED
  }
}

/** The trace that the current work belongs to, if any. */
export function currentTraceId(): string | undefined {
  return currentSpan()?.traceId
}

/** The span as a W3C `traceparent`, for whoever would look it up; its last digit says whether the span is sent for certain.
 *  Undefined where there are no traces. */
export function traceParentOf(span = trace.getActiveSpan()): string | undefined {
  const told = span?.spanContext()
  if (!told || told.traceId === INVALID_TRACEID) {
    return undefined
  }
  const { traceId, spanId, traceFlags } = told
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
}

/** The current work as a W3C `traceparent`, to be kept beside what will be done later (an outbox row). */
export function traceParent(): string | undefined {
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent
}

/** Runs work as a part of the trace that a kept `traceparent` names; without one as it is. */
export function withinTrace<T>(parent: string | null, work: () => T): T {
  return parent === null
    ? work()
    : context.with(propagation.extract(ROOT_CONTEXT, { traceparent: parent }), work)
}
