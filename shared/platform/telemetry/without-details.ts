import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { showingStatements } from './without-literals.ts'

/** Takes out of spans what they must not say. Literals of statements: the unit of work writes values into its SQL. What an error
 *  or a result said: texts of errors quote what was sent, and BullMQ notes what jobs returned. What is left of an event is its
 *  name and the type of the exception; the text is in the log, under the trace id. Done to what is sent and to nothing else. */
export function takingDetails(): (span: ReadableSpan) => ReadableSpan {
  const shown = showingStatements()
  return (span) => {
    const statement = span.attributes['db.query.text']
    if (typeof statement === 'string') {
      span.attributes['db.query.text'] = shown(statement)
    }
    delete span.status.message
    for (const event of span.events) {
      const type = event.attributes?.['exception.type']
      event.attributes = type === undefined ? {} : { 'exception.type': type }
    }
    return span
  }
}
