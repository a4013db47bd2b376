import { z } from 'zod'
import type { ProblemType } from '#platform/problem'
import type { Resource } from '#platform/resource/define-resource'
import { problems as readProblems } from '#platform/resource/problems'
import { addressOf, type ReadRoute } from '../http/define-read.ts'
import type { WriteRoute } from '../http/define-write.ts'
import { problems } from '../http/problems.ts'
import { limitHeaders, type HeaderName } from './headers.ts'
import type { ItemSchemas } from './item-schemas.ts'
import type { Described, Success } from './operation.ts'
import {
  atRoute,
  known,
  readHeader,
  readHeaders,
  whatCallersMeet,
  whatReadsMeet,
} from './shared-parts.ts'

/** A read that is no declared resource. */
export function describeRead(route: ReadRoute): Described {
  const { method, path, operationId, summary, scope, query, data, isNeverKept, successor } = route
  const hasId = path.includes('/:id')
  const description = 'What was asked for.'
  const schema = z.object({ data })
  return {
    method,
    path: addressOf(route),
    operationId,
    summary,
    isDeprecated: successor !== undefined,
    access: scope === undefined ? 'any' : { scope },
    parameters: {
      ...(hasId && { path: z.object({ id: z.string() }) }),
      query,
      header: readHeader,
    },
    answers: isNeverKept
      ? [{ status: 200, description, headers: ['Cache-Control', 'Link', ...limitHeaders], schema }]
      : [{ status: 200, description, headers: readHeaders, schema }, known],
    problems: [
      ...whatCallersMeet,
      ...whatReadsMeet,
      ...atRoute,
      ...(scope === undefined ? [] : [problems.scopeMissing]),
      readProblems.invalidQuery,
      ...(route.problems ?? []),
    ],
  }
}

/** A write. What its method brings with it is the same for all: `defineWrite`. */
export function describeWrite(route: WriteRoute, items: ItemSchemas): Described {
  const { method, path, operationId, summary, scope, body, problems: own } = route
  const hasId = path.includes('/:id')
  const byMethod = methods[method]
  return {
    method,
    path: `/api/v2${path}`,
    operationId,
    summary,
    access: { scope },
    parameters: {
      ...(hasId && { path: z.object({ id: z.string() }) }),
      header: byMethod.header,
    },
    ...(method !== 'delete' && { body }),
    answers: [successOf(route, items)],
    problems: [
      ...whatCallersMeet,
      ...atRoute,
      problems.scopeMissing,
      ...byMethod.problems,
      ...(hasId ? [readProblems.notFound] : []),
      ...own,
    ],
  }
}

/** What a body may be refused for. */
const ofBodies = [
  problems.bodyMalformed,
  problems.bodyInvalid,
  problems.bodyTooLarge,
  problems.mediaTypeUnsupported,
]

type OfMethod = { readonly header: z.ZodObject; readonly problems: readonly ProblemType[] }

const methods: Readonly<Record<WriteRoute['method'], OfMethod>> = {
  post: {
    header: z.object({
      'Idempotency-Key': z
        .string()
        .min(1)
        .max(257)
        .meta({
          description:
            'A fresh random key for each request, the same when it is tried again: then the first answer is repeated for 24 hours.',
          param: { id: 'IdempotencyKey' },
        }),
    }),
    problems: [
      ...ofBodies,
      problems.idempotencyKeyMissing,
      problems.idempotencyKeyInvalid,
      problems.idempotencyKeyBusy,
      problems.idempotencyKeyReused,
    ],
  },
  patch: {
    header: z.object({
      'If-Match': z
        .string()
        .regex(/^"\d{1,9}"$/)
        .meta({ description: 'The version that was read: `"7"`.', param: { id: 'IfMatch' } }),
    }),
    problems: [...ofBodies, problems.preconditionMissing, problems.preconditionFailed],
  },
  delete: { header: z.object({}), problems: [] },
}

function successOf({ method, answer }: WriteRoute, { itemOf }: ItemSchemas): Success {
  const { status, data } = answer
  const headers: HeaderName[] = [
    'Cache-Control',
    'Link',
    'Consistency-Token',
    'Set-Cookie',
    'Server-Timing',
    ...limitHeaders,
    ...(status === 201 ? (['Location'] as const) : []),
    ...(method === 'post' ? (['Idempotent-Replayed'] as const) : []),
  ]
  if (data === undefined) {
    return { status, headers, description: 'It is done.' }
  }
  const schema = z.object({ data: isSchema(data) ? data : itemOf(data) })
  return { status, headers, description: 'It is done; this is how it stands now.', schema }
}

const isSchema = (data: Resource | z.ZodType): data is z.ZodType => data instanceof z.ZodType
