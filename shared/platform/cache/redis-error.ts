import { TimedOut } from '../resilience/within.ts'
import type { Outcome } from '../resilience/circuit.ts'

/** What came in the way of a command, as counted. */
export type RedisErrorKind = (typeof redisErrorKinds)[number]

/** The first three say that Redis is not there, the rest are its answers. */
export const redisErrorKinds = [
  'timeout',
  'connection',
  'not_ready',
  'out_of_memory',
  'read_only',
  'misconfigured',
  'no_permission',
  'wrong_type',
  'other',
] as const

/** Codes of error replies. Redis 6 hides those of commands in scripts behind an ERR of its own, so they are looked for
 *  anywhere. LOADING, MASTERDOWN, CLUSTERDOWN and BUSY come from a server that is up and serves nobody. */
const codes: readonly (readonly [RegExp, RedisErrorKind])[] = [
  [/\b(LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b/, 'not_ready'],
  [/\bOOM\b/, 'out_of_memory'],
  [/\b(READONLY|NOREPLICAS)\b/, 'read_only'],
  [/\bMISCONF\b/, 'misconfigured'],
  [/\b(NOPERM|NOAUTH|WRONGPASS)\b/, 'no_permission'],
  [/\bWRONGTYPE\b/, 'wrong_type'],
]

/** The kind of an error that a command of ioredis ended with. */
export function redisErrorKind(error: unknown): RedisErrorKind {
  if (error instanceof TimedOut) {
    return 'timeout'
  }
  if (!(error instanceof Error)) {
    return 'other'
  }
  if (error.name === 'ReplyError') {
    return codes.find(([code]) => code.test(error.message))?.[1] ?? 'other'
  }
  // Closed, reset, not connected yet; ioredis tells them apart by their text alone, and to us they are the same.
  return error.message === 'Command timed out' ? 'timeout' : 'connection'
}

/** What an error says of Redis to a circuit breaker. A refusal such as OOM is an answer: reads go on. */
export function judgeRedisError(error: unknown): Outcome {
  const kind = redisErrorKind(error)
  return kind === 'timeout' || kind === 'connection' || kind === 'not_ready' ? 'failed' : 'answered'
}
