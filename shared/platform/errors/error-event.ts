import type { ErrorEvent, Exception, StackFrame } from '@sentry/node'
import { loggableError } from '../loggable-error.ts'

/** One line of the log that somebody must look at. */
export type LoggedError = {
  readonly error: unknown
  /** The fixed sentence. */
  readonly message: string
  readonly isFatal: boolean
  readonly trace?: { readonly traceId: string; readonly spanId: string } | undefined
}

type ParseStack = (stack: string) => StackFrame[]

const causesMax = 5

/**
 * What the error tracker is told: the error and its causes as the log has them, the sentence of the log line, and the trace.
 * An allow-list: no request, no body, no header, no user, no name of the machine and no other field of the line, whatever the
 * SDK would like to add.
 */
export function errorEvent(
  { error, message, isFatal, trace }: LoggedError,
  parseStack: ParseStack,
): ErrorEvent {
  const code = codeOf(error)
  return {
    type: undefined,
    level: isFatal ? 'fatal' : 'error',
    // the oldest cause first, as Sentry shows them
    exception: { values: exceptionsOf(error, parseStack).toReversed() },
    tags: { event: message, ...(code !== undefined && { code }) },
    ...(trace && { contexts: { trace: { trace_id: trace.traceId, span_id: trace.spanId } } }),
  }
}

/** Leaves of an event what may go out; what the SDK has added since is dropped. */
export function allowed(event: ErrorEvent): ErrorEvent {
  const { type, event_id, timestamp, platform, level, release, environment } = event
  const { exception, tags, contexts } = event
  return {
    type,
    ...(event_id !== undefined && { event_id }),
    ...(timestamp !== undefined && { timestamp }),
    ...(platform !== undefined && { platform }),
    ...(level !== undefined && { level }),
    ...(release !== undefined && { release }),
    ...(environment !== undefined && { environment }),
    ...(exception && { exception }),
    ...(tags && { tags }),
    ...(contexts?.trace && { contexts: { trace: contexts.trace } }),
  }
}

function exceptionsOf(error: unknown, parseStack: ParseStack): Exception[] {
  const found: Exception[] = []
  for (let one = error; found.length < causesMax; one = one.cause) {
    const described = loggableError(one)
    if (typeof described === 'string') {
      return found.length > 0 ? found : [{ type: 'thrown', value: described }]
    }
    const { type, message: value, stack } = described
    found.push({ type, value, stacktrace: { frames: parseStack(stack).map(plainFrame) } })
    if (!(one instanceof Error) || one.cause === undefined) {
      return found
    }
  }
  return found
}

/** Where, and nothing of the code or of what was in its variables. */
function plainFrame({ filename, function: name, lineno, colno, in_app }: StackFrame): StackFrame {
  return {
    ...(filename !== undefined && { filename }),
    ...(name !== undefined && { function: name }),
    ...(lineno !== undefined && { lineno }),
    ...(colno !== undefined && { colno }),
    ...(in_app !== undefined && { in_app }),
  }
}

/** SQLSTATE or system error: from closed sets. */
function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : undefined
}
