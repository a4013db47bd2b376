import { HttpFailure } from '#platform/http/http-failure'
import { ProviderRefusal, PublicationRefused } from './provider.ts'

/** Why a provider gave nothing: whether it answered, how many calls that took, and how long it wants to be left alone. */
export type FailedAttempt = {
  readonly status: 'rejected' | 'failed'
  readonly httpCalls: number
  readonly error: string
  readonly pauseMs: number
}

/** @param httpCalls of an answer that arrived and then could not be used */
export function explainFailure(error: unknown, httpCalls: number): FailedAttempt {
  const message = error instanceof Error ? error.message : 'unknown'
  if (error instanceof PublicationRefused) {
    const spent = Math.max(error.httpCalls, httpCalls)
    return { status: 'rejected', httpCalls: spent, error: message, pauseMs: 0 }
  }
  const failed = { status: 'failed', error: message } as const
  if (error instanceof ProviderRefusal) {
    return { ...failed, httpCalls: error.httpCalls, pauseMs: pauseOf(error.cause) }
  }
  const isCall = error instanceof HttpFailure
  return { ...failed, httpCalls: isCall ? error.httpCalls : httpCalls, pauseMs: pauseOf(error) }
}

const pauseOf = (error: unknown): number =>
  error instanceof HttpFailure ? (error.retryAfterMs ?? 0) : 0
