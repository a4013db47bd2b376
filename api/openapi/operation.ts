import type { z } from 'zod'
import type {
  ZodOpenApiMediaTypeObject,
  ZodOpenApiOperationObject,
  ZodOpenApiResponseObject,
} from 'zod-openapi'
import type { ProblemType } from '#platform/problem'
import type { Example } from './examples.ts'
import { headersOf, type HeaderName } from './headers.ts'
import { tagOf } from './names.ts'
import type { ProblemAnswers } from './problem-answers.ts'

/** What a caller must show: `any` is a good credential of whatever scope. */
export type Access = 'public' | 'any' | { readonly scope: string }

/** What one operation takes and gives, in the words of this API. */
export type Described = {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** As Express has it: `/api/v2/payment-links/:id`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  /** True of version 1. */
  readonly isDeprecated?: boolean
  readonly access: Access
  readonly parameters: { readonly [K in 'path' | 'query' | 'header']?: z.ZodObject }
  readonly body?: z.ZodType
  readonly answers: readonly Success[]
  readonly problems: readonly ProblemType[]
}

/** An answer that is no problem. */
export type Success = {
  readonly status: 200 | 201 | 204 | 304 | 401 | 503
  readonly description: string
  readonly headers: readonly HeaderName[]
  readonly mediaType?: string
  readonly schema?: z.ZodType
}

/** The same in the words of OpenAPI. */
export function toOperation(
  described: Described,
  { problemAnswers, example }: { problemAnswers: ProblemAnswers; example: Example | undefined },
): ZodOpenApiOperationObject {
  const { operationId, summary, description, access, parameters, body, problems } = described
  const isDeprecated = described.isDeprecated === true
  const answers = described.answers.map((one) => [
    String(one.status),
    toResponse(one, isDeprecated, example?.responses[one.status]),
  ])
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags: [isDeprecated ? 'version 1' : tagOf(described.path)],
    ...(isDeprecated && { deprecated: true }),
    security: access === 'public' ? [] : [{ bearer: access === 'any' ? [] : [access.scope] }],
    requestParams: parameters,
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': mediaType(body, example?.request) },
      },
    }),
    responses: { ...Object.fromEntries(answers), ...problemAnswers(problems, { isDeprecated }) },
  }
}

function toResponse(
  { description, headers, schema, mediaType: type = 'application/json' }: Success,
  isDeprecated: boolean,
  example: unknown,
): ZodOpenApiResponseObject {
  const names = isDeprecated ? [...headers, 'Deprecation' as const, 'Sunset' as const] : headers
  return {
    description,
    headers: headersOf(['Request-Id', ...names]),
    ...(schema && { content: { [type]: mediaType(schema, example) } }),
  }
}

function mediaType(schema: z.ZodType, value: unknown): ZodOpenApiMediaTypeObject {
  return { schema, ...(value !== undefined && { examples: { returned: { value } } }) }
}
