import { destination, pino, stdTimeFunctions, type Logger, type LoggerOptions } from 'pino'
import type { LoggedError } from './errors/error-event.ts'
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
 *  @param sink a file descriptor or path; standard output when left out
 *  @param onError told of each line with an error that somebody must look at */
export function createLog(
  name: string,
  level: string,
  sink: number | string = 1,
  onError?: (logged: LoggedError) => void,
): Log {
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
      ...(onError && { hooks: { logMethod: reportTo(onError) } }),
    },
    destination({ dest: sink, sync: true }),
  )
}

/** pino's numbers of `error` and `fatal`. */
const levels = { error: 50, fatal: 60 } as const

/** The log is where every error ends exactly once, so nothing else has to think of it. */
function reportTo(onError: (logged: LoggedError) => void): LogMethod {
  return function report(values, method, level) {
    const [fields, message] = values
    if (level >= levels.error && typeof fields === 'object' && fields && 'err' in fields) {
      onError({
        error: fields.err,
        message: message ?? '',
        isFatal: level >= levels.fatal,
        trace: currentSpan(),
      })
    }
    method.apply(this, values)
  }
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

function traceFields(): object {
  const span = currentSpan()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}
