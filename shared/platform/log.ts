import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import { currentSpan } from './telemetry/spans.ts'
import { loggableError } from './loggable-error.ts'

/** One JSON line per event: fields first, then a fixed lower-case sentence. */
export type Log = Logger

/** Field names whose values never reach a log line, wherever they stand up to two levels deep. */
const secretFields = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'email',
  'databaseUrl',
  'redisUrl',
]

/** Opens the process's log. Lines carry the trace and span of the work that wrote them.
 *  @param sink a file descriptor or path; standard output when left out */
export function createLog(name: string, level: string, sink: number | string = 1): Log {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])
  return pino(
    {
      name,
      level,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths, censor: '[redacted]' },
      serializers: { err: (error: unknown) => loggableError(error) },
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceFields,
    },
    destination({ dest: sink, sync: true }),
  )
}

function traceFields(): object {
  const span = currentSpan()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}
