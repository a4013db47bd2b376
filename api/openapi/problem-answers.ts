import { z } from 'zod'
import type { ZodOpenApiExampleObject, ZodOpenApiResponseObject } from 'zod-openapi'
import { kinds, uriOf, type ProblemType } from '#platform/problem'
import { headersOf, limitHeaders, type HeaderName } from './headers.ts'
import { pascal } from './names.ts'

/** The document of every failure (RFC 9457). Open: a problem may bring facts of its own. */
export function problemSchema(baseUrl: string, types: readonly ProblemType[]): z.ZodType {
  const fault = z.object({
    detail: z.string(),
    pointer: z.string().meta({
      description: 'JSON pointer into the body, `#/amount`, or a parameter, `#/query/limit`.',
    }),
  })
  return z
    .looseObject({
      type: z.enum(types.map((type) => uriOf(baseUrl, type))).meta({
        description: 'What went wrong; also the address of a page that explains it.',
      }),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      instance: z.string().optional(),
      errors: z.array(fault).optional(),
      requestId: z.string(),
      traceId: z.string().optional(),
      retryable: z.boolean().meta({ description: 'Whether sending it again unchanged may help.' }),
    })
    .meta({ id: 'Problem' })
}

/** A name for an answer that may be one of a few problems; many have none and are written out where they stand. */
const named = 3

export type ProblemAnswers = (
  types: readonly ProblemType[],
  more?: { readonly isDeprecated: boolean },
) => Readonly<Record<`${4 | 5}${string}`, ZodOpenApiResponseObject>>

/** Gives the answers, by status, of an operation that may fail in these ways. Equal answers are one component. */
export function describeProblems(
  baseUrl: string,
  examples: Readonly<Record<string, ZodOpenApiExampleObject>>,
): ProblemAnswers {
  const known = new Map<string, ZodOpenApiResponseObject>()
  return (types, { isDeprecated } = { isDeprecated: false }) => {
    const byStatus = Object.groupBy(new Set(types), ({ kind }) => kinds[kind].http)
    const answers = Object.entries(byStatus).map(([status, few]) => {
      const tails = few.map(({ slug }) => pascal(slug.split('/')[1] ?? '')).toSorted()
      const id = tails.join('Or') + (isDeprecated ? 'V1' : '')
      const made = known.get(id) ?? describe(few, { status, baseUrl, examples, isDeprecated })
      const answer = few.length > named || known.has(id) ? made : { id, ...made }
      known.set(id, answer)
      return [status, answer]
    })
    return Object.fromEntries(answers)
  }
}

function describe(
  types: readonly ProblemType[],
  more: {
    readonly status: string
    readonly baseUrl: string
    readonly examples: Readonly<Record<string, ZodOpenApiExampleObject>>
    readonly isDeprecated: boolean
  },
): ZodOpenApiResponseObject {
  const { status, baseUrl, examples, isDeprecated } = more
  const names: HeaderName[] = [
    'Request-Id',
    'Cache-Control',
    'Link',
    'Server-Timing',
    ...limitHeaders,
    ...(isDeprecated ? (['Deprecation', 'Sunset'] as const) : []),
    ...(status === '401' ? (['WWW-Authenticate'] as const) : []),
    ...(status === '503' || status === '429' ? (['Retry-After'] as const) : []),
  ]
  const shown = types.flatMap(({ slug }) => {
    const key = slug.replace('/', '.')
    return key in examples ? [[key, { $ref: `#/components/examples/${key}` }] as const] : []
  })
  return {
    description: types.map(({ title, slug }) => `${title} (\`${slug}\`).`).join(' '),
    headers: headersOf(names),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { type: { enum: types.map((t) => uriOf(baseUrl, t)) } } },
          ],
        },
        ...(shown.length > 0 && { examples: Object.fromEntries(shown) }),
      },
    },
  }
}
