import { Client } from 'pg'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'

type Place = {
  /** A direct connection: behind a pooler that changes connections between transactions LISTEN hears nothing. */
  readonly url: string
  readonly applicationName: string
}

type Needs = { readonly clock: Clock; readonly log: Log; readonly lifecycle: Lifecycle }

const reconnectMs = 1000
const connectTimeoutMs = 2000

/** Calls back for each notification on a channel, and once after each connecting, for some may have been missed; until the
 *  lifecycle ends. Notifications only make things quicker: whoever uses this also looks by itself from time to time. */
export function listenTo(
  channel: string,
  onNotified: () => void,
  { url, applicationName }: Place,
  { clock, log, lifecycle }: Needs,
): void {
  const stopped = new AbortController()
  let current: Client | undefined

  async function listenOnce(): Promise<void> {
    const client = new Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    })
    const lost = Promise.withResolvers<void>()
    client.on('error', () => lost.resolve())
    client.on('end', () => lost.resolve())
    client.on('notification', onNotified)
    current = client
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      onNotified()
      await lost.promise
    } finally {
      client.end().catch(() => undefined)
    }
  }

  async function keepListening(): Promise<void> {
    while (!stopped.signal.aborted) {
      await listenOnce().catch((error: unknown) => {
        log.debug({ err: error, channel }, 'notifications cannot be heard')
      })
      await clock.sleep(reconnectMs, stopped.signal).catch(() => undefined)
    }
  }

  lifecycle.defer(`listening to ${channel}`, async () => {
    stopped.abort()
    await current?.end().catch(() => undefined)
  })
  lifecycle.background(`listening to ${channel}`, keepListening())
}
