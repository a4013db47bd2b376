import { ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { BullMQOtel } from 'bullmq-otel'

/** BullMQ's own housekeeping and the canary's jobs: many root spans a minute, which nobody asked for. */
const housekeeping = /^(startStalledCheckTimer|moveStalledJobsToWait|extendLocks)\b|^\w+ canary\b/

/** Traces jobs from `add` to `process`, across processes, and leaves BullMQ's housekeeping out,
 *  together with the statements it makes. */
export function queueTelemetry(): BullMQOtel {
  const telemetry = new BullMQOtel({ tracerName: 'bullmq' })
  const { tracer } = telemetry
  const startSpan = tracer.startSpan.bind(tracer)
  tracer.startSpan = (name, options, parent) => {
    if (!housekeeping.test(name)) {
      return startSpan(name, options, parent)
    }
    const span = startSpan(name, options, suppressTracing(parent ?? ROOT_CONTEXT))
    span.setSpanOnContext = (context) => suppressTracing(context)
    return span
  }
  return telemetry
}
