import type { SigningKey } from './http-kinds.ts'
import type { platformSettings } from './platform-settings.ts'
import { databaseConfig, type DatabaseConfig } from './pool-budget.ts'
import { noSampling, samplingOf, type Sampling } from '../telemetry/sampling.ts'
import { defaultServiceName } from '../telemetry/settings.ts'
import { redisUrlOf } from './redis-url.ts'
import type { Environment, ProcessKind, Values } from './setting.ts'

/** What the platform is opened with: settings by subject, ready to use, checked, nothing left to parse. */
export type PlatformConfig = {
  readonly process: {
    readonly kind: ProcessKind
    readonly environment: Environment
    readonly version: string
  }
  readonly log: { readonly level: string }
  readonly api: {
    readonly host: string
    readonly port: number
    /** As Express takes it: a number of proxies, or their networks. */
    readonly trustProxy: number | readonly string[]
    readonly corsOrigins: readonly string[]
    /** The first signs, all verify. */
    readonly cursorKeys: readonly SigningKey[]
    readonly bodyBytesMax: number
    /** Without a slash at the end. */
    readonly baseUrl: string
    readonly readDeadlineMs: number
    readonly writeDeadlineMs: number
    readonly isCursorPaginationEnabled: boolean
    readonly isTestErrorEnabled: boolean
    /** Whether kept answers are sent before routing. */
    readonly isEdgeEnabled: boolean
    /** Processes that share the port. */
    readonly processesCount: number
  }
  readonly worker: { readonly host: string; readonly port: number }
  readonly admin: {
    readonly host: string
    readonly port: number
    readonly deadlineMs: number
    /** Of one token; undefined: as many as it likes. */
    readonly proceduresPerMinute: number | undefined
  }
  readonly database: DatabaseConfig
  readonly redis: {
    /** Absent: the cache stays in the process. */
    readonly cacheUrl: string | undefined
    /** Absent: the queues run on PostgreSQL. */
    readonly queueUrl: string | undefined
    readonly connectionsMax: number
    readonly connectTimeoutMs: number
    readonly commandTimeoutMs: number
    readonly producerTimeoutMs: number
  }
  readonly queue: { readonly lockMs: number; readonly stalledCheckMs: number }
  readonly cache: {
    /** Where answers may be kept: nowhere, in this process, or in Redis as well. */
    readonly tiers: 'none' | 'memory' | 'memory-and-redis'
    readonly ttlSeconds: { readonly short: number; readonly medium: number; readonly long: number }
    readonly memoryBytesMax: number
    readonly whenUnconfirmed: 'serve-stale' | 'read'
    /** Whether a new process fetches ahead, and how long it may do so before it takes requests. */
    readonly warm: { readonly isEnabled: boolean; readonly budgetMs: number }
  }
  readonly rateLimits: {
    readonly isEnabled: boolean
    /** How often in a minute. */
    readonly perMinute: {
      readonly anonymous: number
      readonly key: number
      readonly load: number
      readonly checkout: number
      readonly payment: number
      readonly webhooks: number
    }
  }
  readonly health: {
    readonly basicStatus: 'healthy' | 'ok'
    /** How long a process that stops goes on serving after it has said so. */
    readonly drainPauseMs: number
  }
  readonly metrics: { readonly token: string | undefined; readonly isLocalAllowed: boolean }
  readonly telemetry: {
    readonly isEnabled: boolean
    readonly serviceName: string
    readonly resourceAttributes: string | undefined
    readonly endpoint: string | undefined
    readonly headers: string | undefined
    /** Nothing where nothing is sent. */
    readonly sampling: Sampling
    /** Undefined: metrics are sent nowhere. */
    readonly pushMetricsEveryMs: number | undefined
  }
  readonly sentry: {
    /** Absent: nothing is sent, because there is no DSN or it is switched off. */
    readonly dsn: string | undefined
    readonly release: string
    readonly environment: Environment
    readonly authToken: string | undefined
  }
}

type PlatformValues = Values<typeof platformSettings>

/** Sorts checked values by subject. */
export function platformConfig(
  kind: ProcessKind,
  version: string,
  values: PlatformValues,
): PlatformConfig {
  return {
    process: { kind, environment: values.NODE_ENV, version },
    log: { level: values.LOG_LEVEL },
    api: apiConfig(values),
    worker: { host: values.WORKER_HOST, port: values.WORKER_PORT },
    admin: {
      host: values.ADMIN_HOST,
      port: values.ADMIN_PORT,
      deadlineMs: values.ADMIN_DEADLINE_MS,
      proceduresPerMinute: values.RATE_LIMIT_ENABLED
        ? values.RATE_LIMIT_ADMIN_PER_MINUTE
        : undefined,
    },
    database: databaseConfig(kind, values),
    redis: redisConfig(values),
    queue: { lockMs: values.QUEUE_LOCK_MS, stalledCheckMs: values.QUEUE_STALLED_CHECK_MS },
    cache: cacheConfig(values),
    rateLimits: rateLimitConfig(values),
    health: { basicStatus: values.HEALTH_BASIC_STATUS, drainPauseMs: values.DRAIN_PAUSE_MS },
    metrics: { token: values.METRICS_TOKEN, isLocalAllowed: values.METRICS_ALLOW_LOCAL },
    telemetry: telemetryConfig(kind, values),
    sentry: {
      dsn: values.SENTRY_ENABLED ? values.SENTRY_DSN : undefined,
      release: values.SENTRY_RELEASE ?? version,
      environment: values.NODE_ENV,
      authToken: values.SENTRY_AUTH_TOKEN,
    },
  }
}

function apiConfig(values: PlatformValues): PlatformConfig['api'] {
  return {
    host: values.HOST,
    port: values.PORT,
    trustProxy: values.TRUST_PROXY,
    corsOrigins: values.CORS_ORIGINS,
    cursorKeys: values.CURSOR_KEYS ?? [],
    bodyBytesMax: values.API_BODY_BYTES_MAX,
    baseUrl: (values.BASE_URL ?? `http://localhost:${values.PORT}`).replace(/(?<!\/)\/+$/, ''),
    readDeadlineMs: values.API_READ_DEADLINE_MS,
    writeDeadlineMs: values.API_WRITE_DEADLINE_MS,
    isCursorPaginationEnabled: values.ENABLE_CURSOR_PAGINATION,
    isTestErrorEnabled: values.ENABLE_TEST_ERROR,
    isEdgeEnabled: values.API_EDGE_ENABLED,
    processesCount: values.API_PROCESSES,
  }
}

function redisConfig(values: PlatformValues): PlatformConfig['redis'] {
  const url = values.REDIS_URL ?? redisUrlOf(values) ?? ''
  const queueUrl = values.QUEUE_REDIS_URL ?? url
  return {
    cacheUrl: url === '' ? undefined : url,
    queueUrl: queueUrl === '' ? undefined : queueUrl,
    connectionsMax: values.REDIS_MAX_CONNECTIONS,
    connectTimeoutMs: values.REDIS_CONNECT_TIMEOUT_MS,
    commandTimeoutMs: values.REDIS_COMMAND_TIMEOUT_MS,
    producerTimeoutMs: values.REDIS_PRODUCER_TIMEOUT_MS,
  }
}

function cacheConfig(values: PlatformValues): PlatformConfig['cache'] {
  const hasRedis = values.ENABLE_REDIS_CACHE && redisConfig(values).cacheUrl !== undefined
  return {
    tiers: values.CACHE_ENABLED ? (hasRedis ? 'memory-and-redis' : 'memory') : 'none',
    ttlSeconds: {
      short: values.CACHE_TTL_SHORT,
      medium: values.CACHE_TTL_MEDIUM,
      long: values.CACHE_TTL_LONG,
    },
    memoryBytesMax: values.CACHE_MEMORY_BYTES_MAX,
    whenUnconfirmed: values.CACHE_WHEN_UNCONFIRMED,
    warm: { isEnabled: values.CACHE_WARM_ENABLED, budgetMs: values.CACHE_WARM_BUDGET_MS },
  }
}

function rateLimitConfig(values: PlatformValues): PlatformConfig['rateLimits'] {
  return {
    isEnabled: values.RATE_LIMIT_ENABLED,
    perMinute: {
      anonymous: values.RATE_LIMIT_ANONYMOUS_PER_MINUTE,
      key: values.RATE_LIMIT_KEY_PER_MINUTE,
      load: values.RATE_LIMIT_LOAD_PER_MINUTE,
      checkout: values.RATE_LIMIT_CHECKOUT_PER_MINUTE,
      payment: values.RATE_LIMIT_PAYMENT_PER_MINUTE,
      webhooks: values.RATE_LIMIT_WEBHOOKS_PER_MINUTE,
    },
  }
}

function telemetryConfig(kind: ProcessKind, values: PlatformValues): PlatformConfig['telemetry'] {
  return {
    isEnabled: !values.OTEL_SDK_DISABLED,
    serviceName: values.OTEL_SERVICE_NAME ?? defaultServiceName(kind),
    resourceAttributes: values.OTEL_RESOURCE_ATTRIBUTES,
    endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    sampling: isExporting(values)
      ? samplingOf(
          values.OTEL_TRACES_SAMPLER,
          values.OTEL_TRACES_SAMPLER_ARG,
          values.TRACES_SLOW_MS,
        )
      : noSampling,
    pushMetricsEveryMs: isPushing(values) ? values.OTEL_METRIC_EXPORT_INTERVAL : undefined,
  }
}

function isPushing(values: PlatformValues): boolean {
  const endpoint = values.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT
  const isMuted = values.OTEL_METRICS_EXPORTER === 'none'
  return endpoint !== undefined && !isMuted && !values.OTEL_SDK_DISABLED
}

function isExporting(values: PlatformValues): boolean {
  const endpoint = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT
  const isMuted = values.OTEL_TRACES_EXPORTER === 'none'
  return endpoint !== undefined && !isMuted && !values.OTEL_SDK_DISABLED
}
