import { z } from 'zod'
import { problems } from '../http/problems.ts'
import { limitHeaders, type HeaderName } from './headers.ts'
import type { Success } from './operation.ts'

/** What any request can be answered with before a route has seen it. */
export const beforeRoutes = [
  problems.requestMalformed,
  problems.requestTimeout,
  problems.headersTooLarge,
  problems.internal,
]

/** What any route of the API can end in. */
export const atRoute = [...beforeRoutes, problems.unavailable, problems.overdue]

/** What a caller is refused for whatever is asked. */
export const whatCallersMeet = [
  problems.credentialMissing,
  problems.credentialInvalid,
  problems.quotaExceeded,
]

/** The headers of a read, beside Request-Id. */
export const readHeaders: readonly HeaderName[] = [
  'Cache-Control',
  'ETag',
  'Link',
  'Cache-Status',
  'Cache-Groups',
  'Server-Timing',
  'Age',
  'Content-Encoding',
  ...limitHeaders,
]

/** The answer to a read whose ETag the caller has. */
export const known: Success = {
  status: 304,
  description: 'What the caller has is what would be sent.',
  headers: readHeaders,
}

/** What a read may be refused for besides. */
export const whatReadsMeet = [problems.consistencyTokenInvalid]

/** One for all operations, so that it is one component. */
const consistencyToken = z
  .string()
  .optional()
  .meta({
    description: 'From the answer to a write: this read is then at least as new as that.',
    param: { id: 'ConsistencyToken' },
  })

/** Likewise. */
export const ifNoneMatch = z
  .string()
  .optional()
  .meta({
    description: 'The `ETag` that is known; the same body is answered with 304.',
    param: { id: 'IfNoneMatch' },
  })

/** The headers that every read knows. */
export const readHeader = z.object({
  'If-None-Match': ifNoneMatch,
  'Consistency-Token': consistencyToken,
})
