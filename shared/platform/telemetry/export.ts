import { register, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { envDetector } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { drawnSampler } from './drawn-sampler.ts'
import { installFigures } from './installed.ts'
import { KeptSpans } from './kept-spans.ts'
import type { TelemetrySettings } from './settings.ts'
import { SpanQueue } from './span-queue.ts'

/**
 * Records spans and sends them by OTLP over HTTP, as the standard variables say (endpoint, headers, sampler, batching).
 * No instrumentation of HTTP and Express: it halves throughput even when it samples nothing, so server spans are our own.
 * A collector that is away costs nothing but the spans: the queue is bounded and drops.
 */
export function startExport({
  serviceName,
  sampling,
  queue,
}: Pick<TelemetrySettings, 'serviceName' | 'sampling' | 'queue'>): void {
  if (supportsSyncHooks()) {
    register({ include: ['pg', 'ioredis'] })
  }
  const spans = new SpanQueue(new OTLPTraceExporter(), queue)
  const sdk = new NodeSDK({
    serviceName,
    sampler: drawnSampler(sampling),
    resourceDetectors: [envDetector],
    spanProcessors: [new KeptSpans(spans, sampling.slowMs)],
    metricReaders: [],
    logRecordProcessors: [],
    spanLimits: { attributeValueLengthLimit: 16_384 },
    instrumentations: [new Statements(), redis(), fetch()],
  })
  sdk.start()
  installFigures(spans.figures)
}

/** Of pg the statements: connections are measured by ourselves, and who waits for one keeps its context without help.
 *  Texts lose their literals when they are sent (without-details.ts). */
class Statements extends PgInstrumentation {
  constructor() {
    super({ requireParentSpan: true, ignoreConnectSpans: true })
  }

  protected override init(): ReturnType<PgInstrumentation['init']> {
    return super.init().filter(({ name }) => name !== 'pg-pool')
  }
}

/** The command's name only: the arguments of BullMQ's scripts are whole job payloads. */
function redis(): IORedisInstrumentation {
  return new IORedisInstrumentation({
    requireParentSpan: true,
    dbStatementSerializer: (command) => command,
  })
}

/** Without the query: providers take their keys there. */
function fetch(): UndiciInstrumentation {
  return new UndiciInstrumentation({
    requireParentforSpans: true,
    startSpanHook: ({ origin, path }) => ({
      'url.full': `${origin}${path.split('?')[0] ?? ''}`,
      'url.query': '',
    }),
  })
}
