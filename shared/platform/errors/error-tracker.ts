import type { Log } from '../log.ts'
import { allowed, errorEvent, type LoggedError } from './error-event.ts'

/** Where errors are filed. Without an address nothing is sent, and the SDK is not even loaded. */
export type ErrorTracking = {
  readonly dsn: string | undefined
  readonly release: string
  readonly environment: string
}

/** Files what the log calls an error. OpenTelemetry stays the one instrument for traces and metrics. */
export type ErrorTracker = {
  /** Queues an event. Waits for nothing and never throws; the same error is sent once. */
  capture(logged: LoggedError): void
  /** Sends what is queued, for at most two seconds. */
  close(): Promise<void>
}

/** Events that wait for the tracker at a time; more are dropped, and are in the log all the same. */
const queuedMax = 64
const flushMs = 2000

const noTracker: ErrorTracker = { capture: () => undefined, close: async () => undefined }

/** Opens Sentry's own SDK for its transport, its envelopes and its stack parser, and for nothing else: no integration, no
 *  handler of the process, no tracing, no patch of any module. `Sentry.init` was refused, since it brings all of these and keeps
 *  its client in a global. */
export async function openErrorTracker(
  { dsn, release, environment }: ErrorTracking,
  log: Pick<Log, 'warn'>,
): Promise<ErrorTracker> {
  if (dsn === undefined) {
    return noTracker
  }
  const { NodeClient, Scope, defaultStackParser, makeNodeTransport } = await import('@sentry/node')
  const client = new NodeClient({
    dsn,
    release,
    environment,
    integrations: [],
    stackParser: defaultStackParser,
    transport: makeNodeTransport,
    transportOptions: { bufferSize: queuedMax },
    sendClientReports: false,
    includeServerName: false,
    enableOpenTelemetrySetup: false,
    enableRuntimeChannelInjection: false,
    beforeSend: allowed,
  })
  if (client.getDsn() === undefined) {
    log.warn('SENTRY_DSN is no address of an error tracker; errors are only logged')
  }
  const sent = new WeakSet<object>()

  return {
    capture(logged) {
      const { error } = logged
      if (error instanceof Error) {
        if (sent.has(error)) {
          return
        }
        sent.add(error)
      }
      client.captureEvent(errorEvent(logged, defaultStackParser), {}, new Scope())
    },
    async close() {
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, flushMs)
      const closed = Promise.resolve(client.close(flushMs)).then(() => undefined)
      await Promise.race([closed.catch(() => undefined), late.promise])
      clearTimeout(timer)
    },
  }
}
