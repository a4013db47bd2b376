import { browse, discover, type Catalogue } from './browsing.ts'
import { ask, pause, type Answer, type Fraction, type Session, type Step } from './session.ts'
import type { Stage } from './profiles.ts'
import type { Threshold } from './thresholds.ts'

/** What is counted of an answer besides its time. `error` makes the error rate. */
export const marks = [
  'error',
  'server-error',
  'cache-hit',
  'cache-miss',
  'blocked',
  'blocked-wrongly',
  'limit-told',
  'limit-not-told',
] as const

export type Mark = (typeof marks)[number]

export type Scenario = {
  readonly about: string
  /** Why it cannot be run yet. */
  readonly notYet?: string
  /** What the key must be allowed; none: no key is needed. */
  readonly scopes: readonly string[]
  /** Which key it takes: the one whose quota it exhausts must not be that of the others. */
  readonly key: 'secret' | 'publishable'
  /** Its own stages, whatever the profile. */
  readonly stages?: readonly Stage[]
  readonly thresholds: readonly Threshold[]
  /** Asks once, before the users come, what there is. */
  readonly discover: () => Generator<Step, Catalogue, Answer>
  readonly user: (catalogue: Catalogue, fraction: Fraction) => Session
  readonly judge: (answer: Answer) => readonly Mark[]
}

const nothing: Catalogue = { linkIds: [], productIds: [], categoryIds: [], words: [] }

// oxlint-disable-next-line eslint/require-yield -- nothing to ask
function* discoverNothing(): Generator<Step, Catalogue, Answer> {
  return nothing
}

/** Of S1 and S3 (REQUIREMENTS ); milliseconds, ratios, bytes. */
const everywhere: readonly Threshold[] = [
  { metric: 'errorRatio', is: 'below', limit: 0.001 },
  { metric: 'serverErrors', is: 'at most', limit: 0 },
  { metric: 'memoryBytes', is: 'below', limit: 300_000_000 },
  { metric: 'poolRatio', is: 'below', limit: 0.5 },
]
const latencies: readonly Threshold[] = [
  { metric: 'p50Ms', is: 'below', limit: 100 },
  { metric: 'p95Ms', is: 'below', limit: 300 },
  { metric: 'p99Ms', is: 'below', limit: 500 },
]

const judgePlain = ({ status }: Answer): readonly Mark[] =>
  status === 200 || status === 304 ? [] : failure(status)

const failure = (status: number): readonly Mark[] =>
  status >= 500 ? ['error', 'server-error'] : ['error']

const healthCheck: Scenario = {
  about: 'the health of the API, its life and its readiness in turn',
  scopes: [],
  key: 'secret',
  thresholds: [
    { metric: 'p50Ms', is: 'below', limit: 100 },
    { metric: 'p95Ms', is: 'below', limit: 100 },
    { metric: 'p99Ms', is: 'below', limit: 500 },
    ...everywhere,
    { metric: 'requestsPerSecond', is: 'above', limit: 50, perUsers: 100 },
  ],
  discover: discoverNothing,
  *user(_, fraction) {
    for (;;) {
      for (const path of ['/api/health', '/api/health/live', '/api/health/ready']) {
        yield* ask(path)
        yield* pause(fraction, [200, 600])
      }
    }
  },
  judge: judgePlain,
}

const browsing: Scenario = {
  about:
    'lists, their next pages, details, searches and exchange rates, the popular ones most often',
  scopes: ['payment-links:read', 'catalogue:read', 'fx:read'],
  key: 'secret',
  thresholds: [
    ...latencies,
    ...everywhere,
    { metric: 'requestsPerSecond', is: 'above', limit: 300, perUsers: 100 },
    { metric: 'hitRatio', is: 'above', limit: 0.8 },
  ],
  discover,
  user: browse,
  judge(answer) {
    const status = answer.header('cache-status') ?? ''
    return [...judgePlain(answer), /;\s*hit\b/.test(status) ? 'cache-hit' : 'cache-miss']
  },
}

const rateLimiting: Scenario = {
  about: 'more than a key may ask for: the excess must be blocked, and told so',
  scopes: ['fx:read'],
  key: 'publishable',
  stages: [
    { users: 10, seconds: 0 },
    { users: 10, seconds: 10 },
  ],
  thresholds: [
    { metric: 'limitNotTold', is: 'at most', limit: 0 },
    { metric: 'blocked', is: 'above', limit: 0 },
    { metric: 'blockedWrongly', is: 'at most', limit: 0 },
    ...everywhere,
  ],
  discover: discoverNothing,
  *user(_, fraction) {
    for (;;) {
      yield* ask('/api/v2/assets?limit=1')
      yield* pause(fraction, [5, 15])
    }
  },
  judge: judgeLimited,
}

/** HTTP.md: every answer tells the policy and what is left; a refusal is a problem document that says when to come back. */
function judgeLimited(answer: Answer): readonly Mark[] {
  const { status, header } = answer
  const isTold =
    /;q=\d+/.test(header('ratelimit-policy') ?? '') && /;r=\d+/.test(header('ratelimit') ?? '')
  const told: Mark = isTold ? 'limit-told' : 'limit-not-told'
  if (status !== 429) {
    return [...judgePlain(answer), told]
  }
  const isWell =
    isTold &&
    /^\d+$/.test(header('retry-after') ?? '') &&
    (header('content-type') ?? '').startsWith('application/problem+json')
  return isWell ? ['blocked', told] : ['blocked', 'blocked-wrongly', told]
}

const webhookProcessing: Scenario = {
  ...healthCheck,
  about: 'deliveries of a payment provider, signed, some of them twice',
  notYet: 'the API has no endpoint for webhooks yet (POST /api/webhooks/:provider)',
  thresholds: [
    { metric: 'p99Ms', is: 'below', limit: 1000 },
    { metric: 'errorRatio', is: 'below', limit: 0.05 },
  ],
}

/** In the order of the full suite: the one that exhausts a quota comes last. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'health-check': healthCheck,
  browsing,
  'webhook-processing': webhookProcessing,
  'rate-limiting': rateLimiting,
}
