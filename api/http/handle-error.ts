import type { ErrorRequestHandler } from 'express'
import { isOutage } from '#platform/database/outage'
import { Problem } from '#platform/problem'
import type { ApiSlice } from '../slice.ts'
import { problems } from './problems.ts'
import { sendProblem } from './render-problem.ts'

/** Last of all handlers: turns whatever was thrown into a problem document, and logs what nobody expected. */
export function handleError(
  slice: Pick<ApiSlice, 'log' | 'clock' | 'baseUrl'>,
): ErrorRequestHandler {
  const { log } = slice
  return (error: unknown, request, response, next) => {
    const problem = toProblem(error)
    if (problem.type.kind === 'broken') {
      log.error({ err: error, method: request.method }, 'request failed')
    } else if (problem.type.kind === 'unavailable') {
      log.warn({ err: error, method: request.method }, 'request refused for now')
    }
    if (response.headersSent) {
      next(error)
      return
    }
    sendProblem(slice, { request, response }, problem)
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error
  }
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(problems.requestMalformed, 'The request cannot be decoded.', {
      cause: error,
    })
  }
  if (isOutage(error)) {
    return new Problem(problems.unavailable, 'The database does not answer in time.', {
      cause: error,
    })
  }
  return new Problem(problems.internal, 'The fault is logged under the request id.', {
    cause: error,
  })
}
