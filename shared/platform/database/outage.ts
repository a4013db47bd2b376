import { sqlState } from './transaction.ts'

/** Connection lost, server starting or stopping, resources used up, timeouts, a lock that was not given, a conflict that
 *  every attempt met: states that pass. A server that can only be read (25006) is one that was just demoted. */
const passing = /^(08|53|57P0|57014|55P03|40001|40P01|25006)/

/** What the operating system says when the server cannot be reached. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
])

/** What pg says of it, which has no codes (client.js, query.js, pg-pool, 8.23.0). */
const said =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end)/

/** The database was not asked, because it did not answer before. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused'
}

const depthMax = 5

/** Whether an error says that the database could not do its work just now, and may in a moment; otherwise the fault is
 *  ours. Looks through causes, and through the parts of an AggregateError: a host name with two addresses fails with one
 *  that has no message of its own. */
export function isOutage(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > depthMax) {
    return false
  }
  const code: unknown = Reflect.get(error, 'code')
  return (
    error instanceof DatabaseRefused ||
    (typeof code === 'string' && unreachable.has(code)) ||
    passing.test(sqlState(error) ?? '') ||
    said.test(error.message) ||
    (error instanceof AggregateError && error.errors.some((one) => isOutage(one, depth + 1))) ||
    isOutage(error.cause, depth + 1)
  )
}
