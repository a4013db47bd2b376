/** What a log line says of an error: an allow-list, for PostgreSQL repeats rows and values in `detail` and `where`, a
 *  unique violation the e-mail address itself. */
export type LoggableError = {
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly [fact: string]: unknown
}

/** Facts that come from closed sets or from our own code. */
const facts = [
  'code',
  'severity',
  'constraint',
  'schema',
  'table',
  'column',
  'routine',
  'syscall',
  'address',
  'port',
  'status',
] as const

const depthMax = 5

/** Describes an error and its causes for the log. What was thrown without being an Error is named by its type alone. */
export function loggableError(error: unknown, depth = 0): LoggableError | string {
  if (!(error instanceof Error)) {
    return `a thrown ${typeof error}`
  }
  const message = safeMessage(error)
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const known = facts.flatMap((name) => {
    const value: unknown = Reflect.get(error, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const inner = error instanceof AggregateError ? error.errors : []
  const hasCause = error.cause !== undefined && depth < depthMax
  return {
    type: error.constructor.name,
    message,
    stack: [`${error.name}: ${message}`, ...frames].join('\n'),
    ...Object.fromEntries(known),
    ...(inner.length > 0 && {
      errors: inner.slice(0, 10).map((one) => loggableError(one, depth + 1)),
    }),
    ...(hasCause && { cause: loggableError(error.cause, depth + 1) }),
  }
}

/** An error's message without the value that PostgreSQL found unfit: class 22 quotes it. */
export function safeMessage(error: Error): string {
  return isDataException(error) ? error.message.replace(/"[\s\S]*"/, '"…"') : error.message
}

function isDataException(error: unknown): boolean {
  for (
    let one = error, depth = 0;
    one instanceof Error && depth < depthMax;
    one = one.cause, depth += 1
  ) {
    if ('code' in one && typeof one.code === 'string' && /^22[0-9A-Z]{3}$/.test(one.code)) {
      return true
    }
  }
  return false
}
