import { choice, flag, integer, ratio, text, url } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/** Traces, metrics and error tracking. The names of OpenTelemetry are its own standard ones. */
export const telemetrySettings = defineSettings({
  OTEL_SDK_DISABLED: {
    schema: flag(),
    standard: 'false',
    meaning:
      'true: no traces are made, and neither they nor metrics are sent; metrics can still be scraped.',
  },
  OTEL_SERVICE_NAME: {
    schema: text('a name'),
    example: 'tidegate-api',
    meaning:
      'The name in traces and metrics. Not set: tidegate-api, tidegate-worker or tidegate-admin.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    schema: text('name=value pairs, separated by commas'),
    example: 'deployment.environment.name=staging',
    meaning: 'What else traces and metrics say about the process.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url('http:', 'https:'),
    example: 'http://127.0.0.1:4318',
    meaning: 'The collector. Not set: nothing is sent; the metrics can still be scraped.',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    schema: url('http:', 'https:'),
    example: 'http://127.0.0.1:4318/v1/traces',
    meaning:
      'The full address for traces, where it is another one than the collector has for the rest.',
  },
  OTEL_TRACES_EXPORTER: {
    schema: choice('otlp', 'none'),
    standard: 'otlp',
    meaning: 'none: traces run through the logs and are sent nowhere.',
  },
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: {
    schema: url('http:', 'https:'),
    example: 'http://127.0.0.1:4318/v1/metrics',
    meaning:
      'The full address for metrics, where it is another one than the collector has for the rest.',
  },
  OTEL_METRICS_EXPORTER: {
    schema: choice('otlp', 'none'),
    standard: 'otlp',
    meaning: 'none: metrics are sent nowhere; they can still be scraped.',
  },
  OTEL_METRIC_EXPORT_INTERVAL: {
    schema: integer({ min: 1_000, max: 3_600_000 }),
    standard: '60000',
    unit: 'ms',
    meaning: 'How often metrics are sent to the collector.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: text('name=value pairs, separated by commas'),
    secret: true,
    example: 'authorization=Bearer%20token',
    meaning: 'Headers for the collector.',
  },
  OTEL_TRACES_SAMPLER: {
    schema: choice(...samplers),
    standard: 'parentbased_always_on',
    meaning:
      'Which traces are sent. Requests and jobs that fail, and slow requests, are sent besides.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: ratio(),
    standard: '1',
    unit: 'ratio',
    meaning: 'The share of traces sent, for the samplers with traceidratio in their name.',
  },
  TRACES_SLOW_MS: {
    schema: integer({ min: 1, max: 3_600_000 }),
    standard: '500',
    unit: 'ms',
    meaning: 'A request that takes as long is sent as a trace whatever the sampler says.',
  },
  OTEL_BSP_MAX_QUEUE_SIZE: {
    schema: integer({ min: 1, max: 1_000_000 }),
    standard: '2048',
    meaning:
      'So many spans wait for the collector at most; those that come then are dropped, and counted.',
  },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {
    schema: integer({ min: 1, max: 1_000_000 }),
    standard: '512',
    meaning: 'So many spans are sent in one request to the collector at most.',
  },
  OTEL_BSP_SCHEDULE_DELAY: {
    schema: integer({ min: 0, max: 3_600_000 }),
    standard: '5000',
    unit: 'ms',
    meaning: 'How long spans wait for others to be sent with.',
  },
  OTEL_BSP_EXPORT_TIMEOUT: {
    schema: integer({ min: 1, max: 3_600_000 }),
    standard: '30000',
    unit: 'ms',
    meaning: 'How long sending one batch may take, with all attempts.',
  },
  METRICS_TOKEN: {
    schema: text('a token'),
    secret: true,
    example: '$(openssl rand -hex 32)',
    meaning:
      'The bearer token for /api/metrics, /metrics and the detailed health. Not set: nobody gets in with a token.',
  },
  METRICS_ALLOW_LOCAL: {
    schema: flag(),
    standard: { development: 'true', production: 'false' },
    meaning:
      'true: callers on the same machine read the metrics and the detailed health without a token.',
  },
  SENTRY_DSN: {
    schema: url('https:', 'http:'),
    secret: true,
    example: 'https://key@sentry.example.com/1',
    meaning: 'The error tracker. Not set: errors are only logged.',
  },
  SENTRY_RELEASE: {
    schema: text('a version'),
    example: '0.1.0',
    meaning: 'The release that errors are filed under. Not set: the version of package.json.',
  },
  SENTRY_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning: 'false: nothing is sent to the error tracker even when SENTRY_DSN is set.',
  },
  SENTRY_AUTH_TOKEN: {
    schema: text('a token'),
    secret: true,
    example: 'sntrys_token',
    meaning: "Reads the error tracker's own statistics for reports.",
    comesWith: 'reports of its statistics',
  },
})
