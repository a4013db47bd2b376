import { createDocument, type oas31, type ZodOpenApiPathsObject } from 'zod-openapi'
import { uriOf } from '#platform/problem'
import manifest from '../../package.json' with { type: 'json' }
import type { ReadRoute } from '../http/define-read.ts'
import type { WriteRoute } from '../http/define-write.ts'
import { problemTypes } from '../http/problem-pages.ts'
import type { ResourceRead } from '../http/resource-reads.ts'
import { readExamples, type Examples } from './examples.ts'
import { headers } from './headers.ts'
import { itemSchemas } from './item-schemas.ts'
import { templateOf } from './names.ts'
import { toOperation, type Described } from './operation.ts'
import { describeProblems, problemSchema } from './problem-answers.ts'
import { plainly } from './plainly.ts'
import { describeResourceRead } from './resource-operations.ts'
import { describeRead, describeWrite } from './route-operations.ts'
import { describeService } from './service-operations.ts'

export type Documented = {
  readonly reads: readonly ResourceRead[]
  readonly routes: readonly (ReadRoute | WriteRoute)[]
  /** Absolute, without a slash at the end. */
  readonly baseUrl: string
  /** Those that are committed, where nothing else is said. */
  readonly examples?: Examples
}

const description = `Reads are lists by cursor and single items; both can be narrowed to \`fields\` and enriched by \`expand\`.
Amounts are whole minor units with their currency and its exponent. Instants are RFC 3339 in UTC.
Every POST needs an \`Idempotency-Key\`, every PATCH an \`If-Match\`. Failures are problem documents (RFC 9457);
their \`type\` is the address of a page that says what to do.`

/** The OpenAPI 3.1 document of the API, made from the declarations that serve it.  @throws {Error} on two equal names */
export function describeApi({ reads, routes, baseUrl, ...more }: Documented): oas31.OpenAPIObject {
  const items = itemSchemas(reads.map(({ resource }) => resource))
  const examples = more.examples ?? readExamples()
  const problems = problemTypes.flatMap((type) => {
    const value = examples.problems[type.slug]
    const shown = { value: { ...value, type: uriOf(baseUrl, type) } }
    return value ? [[type.slug.replace('/', '.'), shown] as const] : []
  })
  const shownProblems = Object.fromEntries(problems)
  const problemAnswers = describeProblems(baseUrl, shownProblems)
  const operations: readonly Described[] = [
    ...reads.map((read) => describeResourceRead(read, items)),
    ...routes.map((route) => ('body' in route ? describeWrite(route, items) : describeRead(route))),
    ...describeService(),
  ]
  const paths: ZodOpenApiPathsObject = {}
  for (const described of operations) {
    const example = examples.operations[described.operationId]
    const path = templateOf(described.path)
    const operation = toOperation(described, { problemAnswers, example })
    paths[path] = { ...paths[path], [described.method]: operation }
  }
  requireDistinct(operations.map(({ operationId }) => operationId))
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Tidegate',
        description,
        version: manifest.version,
        license: { name: manifest.license, identifier: manifest.license },
      },
      servers: [{ url: baseUrl }],
      paths,
      components: {
        schemas: { Problem: problemSchema(baseUrl, problemTypes) },
        headers,
        examples: shownProblems,
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A secret key, a publishable key or a member token; each holds scopes.',
          },
        },
      },
    },
    { override: plainly },
  )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package's type is of every version at once
  return document as oas31.OpenAPIObject
}

function requireDistinct(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new Error(`two operations would be called ${twice}`)
  }
}
