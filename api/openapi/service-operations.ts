import { z } from 'zod'
import { databaseHealth } from '#platform/health/database-health'
import { detailedHealthReport, healthReport } from '#platform/health/report'
import { cacheFigures, metricsSnapshot } from '#platform/metrics/snapshot'
import { problems } from '../http/problems.ts'
import { limitHeaders, type HeaderName } from './headers.ts'
import { pascal } from './names.ts'
import type { Described } from './operation.ts'
import { beforeRoutes, ifNoneMatch, known } from './shared-parts.ts'

const report = healthReport.meta({ id: 'HealthReport' })
const detailed = detailedHealthReport.meta({ id: 'DetailedHealthReport' })
const database = databaseHealth.meta({ id: 'DatabaseHealth' })
const cached: readonly HeaderName[] = ['Cache-Control', 'ETag', ...limitHeaders]
const html = 'text/html; charset=utf-8'

/** What the API serves beside resources and routes; without a credential, but for the health that is for operators and the
 *  metrics, which have a token of their own. */
export function describeService(): readonly Described[] {
  const health = ['', '/api'].flatMap((prefix) =>
    Object.entries(healthPaths).map(([path, described]) =>
      describeHealth(`${prefix}${path}`, described),
    ),
  )
  const documents = ['/openapi.json', '/api/openapi.json'].map((path): Described => {
    const description = 'An OpenAPI 3.1 document.'
    const schema = z.looseObject({ openapi: z.string() })
    return {
      ...page(path, path === '/openapi.json' ? 'getDocument' : 'getApiDocument'),
      summary: 'Read this document',
      parameters: { header: z.object({ 'If-None-Match': ifNoneMatch }) },
      answers: [
        { status: 200, description, headers: cached, schema },
        { ...known, headers: cached },
      ],
    }
  })
  return [
    ...health,
    ...describeMetrics(),
    ...documents,
    {
      ...page('/docs', 'getDocs'),
      summary: 'Read this document as a page, and try it out',
      answers: [found('A page.', html)],
    },
    {
      ...page('/docs/:file', 'getDocsFile'),
      summary: 'Read a script, style or picture of that page',
      parameters: { path: z.object({ file: z.string() }) },
      answers: [
        { ...found('A file.', '*/*'), headers: cached },
        { ...known, headers: cached },
      ],
      problems: [...beforeRoutes, problems.quotaExceeded, problems.routeUnknown],
    },
    {
      ...page('/problems/:domain/:name', 'getProblemType'),
      summary: 'Read what a type of problem means and what to do about it',
      parameters: { path: z.object({ domain: z.string(), name: z.string() }) },
      answers: [found('The explanation.', 'text/plain; charset=utf-8')],
      problems: [...beforeRoutes, problems.quotaExceeded, problems.routeUnknown],
    },
  ]
}

function page(path: string, operationId: string) {
  return {
    method: 'get',
    path,
    operationId,
    access: 'public',
    parameters: {},
    problems: [...beforeRoutes, problems.quotaExceeded],
  } as const
}

const found = (description: string, mediaType: string) =>
  ({
    status: 200,
    description,
    headers: ['Cache-Control', ...limitHeaders],
    mediaType,
    schema: z.string(),
  }) as const

type HealthPath = {
  readonly summary: string
  readonly schema: z.ZodType
  readonly isNeverDown?: boolean
  readonly isForOperators?: boolean
}

const phase = z.object({ status: z.string() })
const operators = { isForOperators: true } as const

const healthPaths: Readonly<Record<string, HealthPath>> = {
  '/health': { summary: 'Read the health of the service and what it needs', schema: report },
  '/health/live': {
    summary: 'Ask whether the process runs',
    schema: z.object({ status: z.literal('ok') }),
    isNeverDown: true,
  },
  '/health/startup': { summary: 'Ask whether the process has begun to serve', schema: phase },
  '/health/ready': { summary: 'Ask whether requests may be sent here', schema: phase },
  '/health/detailed': {
    summary: 'Read everything that the process knows of its health',
    schema: detailed,
    ...operators,
  },
  '/health/advanced': { summary: 'The same by another name', schema: detailed, ...operators },
  '/health/database': {
    summary: 'Read how it is with the database, its pool and its circuit',
    schema: database,
    ...operators,
  },
}

function describeMetrics(): readonly Described[] {
  const plain = 'text/plain; version=0.0.4; charset=utf-8'
  const figures = metricsSnapshot.meta({ id: 'MetricsSnapshot' })
  const cache = cacheFigures.meta({ id: 'CacheFigures' })
  return [
    describeReading('/metrics', 'Read the metrics as Prometheus does', z.string(), plain),
    describeReading('/api/metrics', 'Read the metrics at a glance', figures),
    ...['/metrics/cache', '/api/metrics/cache', '/cache/stats', '/api/cache/stats'].map((path) =>
      describeReading(path, 'Read how the cache serves', cache),
    ),
  ]
}

function describeReading(
  path: string,
  summary: string,
  schema: z.ZodType,
  mediaType = 'application/json; charset=utf-8',
): Described {
  const headers: HeaderName[] = ['Cache-Control']
  return {
    ...page(path, `get${pascal(path)}`),
    problems: [...beforeRoutes, problems.credentialMissing],
    summary,
    description:
      'Of the process that answers, since it began. Read with `METRICS_TOKEN` as the bearer token, or from the same machine where `METRICS_ALLOW_LOCAL` says so.',
    answers: [{ status: 200, description: 'The figures.', headers, mediaType, schema }],
  }
}

function describeHealth(
  path: string,
  { summary, schema, isNeverDown, isForOperators }: HealthPath,
): Described {
  const headers: HeaderName[] = ['Cache-Control']
  const refused = {
    status: 401,
    description: 'It is for operators: a caller on the same machine, or with METRICS_TOKEN.',
    headers,
    schema: phase,
  } as const
  return {
    ...page(path, `get${pascal(path)}`),
    problems: beforeRoutes,
    summary,
    answers: [
      { status: 200, description: 'It is well.', headers, schema },
      ...(isForOperators ? [refused] : []),
      ...(isNeverDown
        ? []
        : [{ status: 503, description: 'It is not.', headers, schema } as const]),
    ],
  }
}
