import { SpanStatusCode, context, propagation, trace, type Attributes } from '@opentelemetry/api'

const tracer = trace.getTracer('tidegate')

/** Runs `work` inside a span. Attributes come from closed sets or are ids; never personal data, never a body. */
export async function withSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work()
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown')
      throw error
    } finally {
      span.end()
    }
  })
}

/** The trace that the current work belongs to, if any. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId
}

/** The current work as a W3C `traceparent`, to be kept beside what will be done later (an outbox row). */
export function traceParent(): string | undefined {
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent
}

/** Continues the trace that `parent` (a `traceparent`) names, while `work` runs. */
export function continueTrace<T>(parent: string | undefined, work: () => T): T {
  const carrier = parent === undefined ? {} : { traceparent: parent }
  return context.with(propagation.extract(context.active(), carrier), work)
}
