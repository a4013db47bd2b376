import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** The span with nothing in it that an error or a result said: texts of errors quote what was sent, and BullMQ notes what jobs
 *  returned. What is left of an event is its name and the type of the exception; the text is in the log, under the trace id. */
export function withoutDetails(span: ReadableSpan): ReadableSpan {
  delete span.status.message
  for (const event of span.events) {
    const type = event.attributes?.['exception.type']
    event.attributes = type === undefined ? {} : { 'exception.type': type }
  }
  return span
}
