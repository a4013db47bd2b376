import { expect } from 'chai'
import { readConfig, type Config } from '#config'

type Case = {
  readonly source: string
  readonly given: Record<string, string>
  readonly kind?: 'api' | 'worker' | 'admin'
  readonly says: string
  readonly read: (config: Config) => unknown
  readonly value: unknown
}

const required = {
  DATABASE_URL: 'postgresql://tidegate:pw@db:5432/tidegate',
  BASE_URL: 'https://api.example.com/',
  CURSOR_KEYS: `k1:${Buffer.alloc(32).toString('base64url')}`,
  REDIS_URL: 'redis://username:password@host:6379',
}
const production = { NODE_ENV: 'production', ...required }

// The figures that the product was asked for, by the name they were asked under.
const cases: readonly Case[] = [
  ...defaults('payment links', {
    'info is the least line': [(c) => c.log.level, 'info'],
    'a full Redis address is taken as it is': [(c) => c.redis.cacheUrl, required.REDIS_URL],
    'short answers live a minute': [(c) => c.cache.ttlSeconds.short, 60],
    'medium ones five': [(c) => c.cache.ttlSeconds.medium, 300],
    'long ones an hour': [(c) => c.cache.ttlSeconds.long, 3600],
    'lists page by cursor': [(c) => c.api.isCursorPaginationEnabled, true],
    'Redis is used as a cache': [(c) => c.cache.tiers, 'memory-and-redis'],
    'rates are fetched in batches': [(c) => c.fx.isBatchEnabled, true],
    'the API listens on 3000': [(c) => c.api.port, 3000],
    'the pool has 20 connections': [(c) => c.database.connectionsMax, 20],
  }),
  ...defaults('shop', {
    'unused connections close after 30 s': [(c) => c.database.idleTimeoutMs, 30_000],
    'a statement is slow from 500 ms on': [(c) => c.database.slowAlertMs, 500],
    'requests wait 2 s for a connection': [(c) => c.database.acquireTimeoutMs, 2000],
    'a slash at the end of the address is dropped': [
      (c) => c.api.baseUrl,
      'https://api.example.com',
    ],
  }),
  ...defaults('members', {
    'the release is the version': [(c) => c.sentry.release, '0.1.0'],
    'nothing is tracked without an address': [(c) => c.sentry.dsn, undefined],
  }),
  ...defaults('content', {
    'a statement is logged from 100 ms on': [(c) => c.database.slowLogMs, 100],
  }),
  ...defaults('conversations', {
    'Redis takes 50 connections': [(c) => c.redis.connectionsMax, 50],
    '10 connections lie beside the pool': [(c) => c.database.reserveMax, 10],
  }),
  ...defaults('budgets', {
    'a statement ends after 4 s': [(c) => c.database.statementTimeoutMs, 4000],
    'a silent server after 5 s': [(c) => c.database.queryTimeoutMs, 5000],
    'a wait for a lock after 1 s': [(c) => c.database.lockTimeoutMs, 1000],
    'an idle transaction after 10 s': [(c) => c.database.idleInTransactionTimeoutMs, 10_000],
    'a read after 5 s': [(c) => c.api.readDeadlineMs, 5000],
    'a write after 10 s': [(c) => c.api.writeDeadlineMs, 10_000],
    'an admin procedure after 15 s': [(c) => c.admin.deadlineMs, 15_000],
    'the cache waits 100 ms for Redis': [(c) => c.redis.commandTimeoutMs, 100],
  }),
  ...jobs('jobs', {
    'wait 30 s for a connection': [(c) => c.database.acquireTimeoutMs, 30_000],
    'run statements of 30 s': [(c) => c.database.statementTimeoutMs, 30_000],
    'are dropped by a silent server after that': [(c) => c.database.queryTimeoutMs, 31_000],
  }),
  change('LOG_LEVEL=debug', (c) => c.log.level, 'debug'),
  change('DATABASE_CONNECTION_LIMIT=12', (c) => c.database.connectionsMax, 12),
  change('DB_POOL_SIZE=12', (c) => c.database.connectionsMax, 12),
  change('DB_MAX_OVERFLOW=4', (c) => c.database.reserveMax, 4),
  {
    ...change('DATABASE_POOL_TIMEOUT=7000', (c) => c.database.acquireTimeoutMs, 7000),
    kind: 'worker',
  },
  change('DATABASE_POOL_TIMEOUT=7000', (c) => c.database.acquireTimeoutMs, 2000),
  change('CACHE_TTL_SECONDS=7200', (c) => c.cache.ttlSeconds.long, 7200),
  change('ENABLE_CURSOR_PAGINATION=false', (c) => c.api.isCursorPaginationEnabled, false),
  change('ENABLE_FX_BATCH=false', (c) => c.fx.isBatchEnabled, false),
  change('ENABLE_REDIS_CACHE=false', (c) => c.cache.tiers, 'memory'),
  change('REDIS_URL=', (c) => c.cache.tiers, 'memory'),
  change('CACHE_ENABLED=false', (c) => c.cache.tiers, 'none'),
  change('REDIS_MAX_CONNECTIONS=80', (c) => c.redis.connectionsMax, 80),
  change(
    'SENTRY_DSN=https://k@sentry.example.com/1',
    (c) => c.sentry.dsn,
    'https://k@sentry.example.com/1',
  ),
  change('SENTRY_RELEASE=1.2.3', (c) => c.sentry.release, '1.2.3'),
  change('SENTRY_AUTH_TOKEN=t', (c) => c.sentry.authToken, 't'),
  change('PORT=8000', (c) => c.api.port, 8000),
  change('HEALTH_BASIC_STATUS=ok', (c) => c.health.basicStatus, 'ok'),
  change('METRICS_ALLOW_LOCAL=true', (c) => c.metrics.isLocalAllowed, true),
  change('SLOW_QUERY_LOG_MS=50', (c) => c.database.slowLogMs, 50),
  change('TRUST_PROXY=2', (c) => c.api.trustProxy, 2),
  change('TRUST_PROXY=10.0.0.0/8, ::1', (c) => c.api.trustProxy, ['10.0.0.0/8', '::1']),
  change(
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_TRACES_SAMPLER_ARG=0.25 OTEL_TRACES_SAMPLER=traceidratio',
    (c) => c.telemetry.sampling,
    { ratio: 0.25, isParentBased: false, slowMs: 500 },
  ),
  change('OTEL_TRACES_SAMPLER_ARG=0.25', (c) => c.telemetry.sampling.ratio, 0),
  change('API_PROCESSES=4', (c) => c.api.processesCount, 4),
  change('API_PROCESSES=4 DB_POOL_SIZE=20', (c) => c.database.connectionsMax, 5),
  change('API_EDGE_ENABLED=false', (c) => c.api.isEdgeEnabled, false),
]

describe('configuration in figures', () => {
  for (const { source, says, given, kind = 'api', read, value } of cases) {
    it(`${source}: ${says}`, () => {
      expect(read(readConfig({ ...production, ...given }, kind))).to.deep.equal(value)
    })
  }

  it('development: the pool has 10 connections', () => {
    const config = readConfig({ DATABASE_URL: required.DATABASE_URL }, 'api')
    expect(config.database.connectionsMax).to.equal(10)
    expect(config.metrics.isLocalAllowed).to.equal(true)
  })

  it('SENTRY_ENABLED=false: nothing is tracked although there is an address', () => {
    const tracked = { SENTRY_DSN: 'https://k@sentry.example.com/1', SENTRY_ENABLED: 'false' }
    expect(readConfig({ ...production, ...tracked }, 'api').sentry.dsn).to.equal(undefined)
  })

  it('one process of each kind stays under the 97 connections of a PostgreSQL as installed', () => {
    const kinds = ['api', 'worker', 'admin', 'tool'] as const
    const each = kinds.map((kind) => readConfig(production, kind).database)
    const sum = each.reduce(
      (all, { connectionsMax, reserveMax }) => all + connectionsMax + reserveMax,
      0,
    )
    expect(sum).to.be.at.most(97)
  })
})

type Expectation = readonly [(config: Config) => unknown, unknown]

function defaults(source: string, expectations: Record<string, Expectation>): readonly Case[] {
  return Object.entries(expectations).map(([says, [read, value]]) => ({
    source,
    given: {},
    says,
    read,
    value,
  }))
}

function jobs(source: string, expectations: Record<string, Expectation>): readonly Case[] {
  return defaults(source, expectations).map((one) => ({ ...one, kind: 'worker' }))
}

/** @param assignments one or several, with a blank in between */
function change(assignments: string, read: (config: Config) => unknown, value: unknown): Case {
  const pairs = assignments.split(/ (?=[A-Z_]+=)/).map((one): [string, string] => {
    const [name = '', ...rest] = one.split('=')
    return [name, rest.join('=')]
  })
  return {
    source: assignments,
    says: `gives ${JSON.stringify(value)}`,
    given: Object.fromEntries(pairs),
    read,
    value,
  }
}
