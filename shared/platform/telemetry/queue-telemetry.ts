import { ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { BullMQOtel } from 'bullmq-otel'

/** BullMQ's own housekeeping, several root spans a minute for every queue, which nobody asked for. */
const housekeeping = new Set(['startStalledCheckTimer', 'moveStalledJobsToWait', 'extendLocks'])

/** Traces jobs from `add` to `process`, across processes, and leaves BullMQ's housekeeping out,
 *  together with the statements it makes. */
export function queueTelemetry(): BullMQOtel {
  const telemetry = new BullMQOtel({ tracerName: 'bullmq' })
  const { tracer } = telemetry
  const startSpan = tracer.startSpan.bind(tracer)
  tracer.startSpan = (name, options, parent) => {
    const [operation = ''] = name.split(' ')
    if (!housekeeping.has(operation)) {
      return startSpan(name, options, parent)
    }
    const span = startSpan(name, options, suppressTracing(parent ?? ROOT_CONTEXT))
    span.setSpanOnContext = (context) => suppressTracing(context)
    return span
  }
  return telemetry
}
