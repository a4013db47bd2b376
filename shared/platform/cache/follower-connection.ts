import { Client } from 'pg'
import { changesChannel } from './change.ts'

export type ConnectionOptions = {
  /** A direct connection: behind a pooler that changes connections between transactions LISTEN hears nothing. */
  readonly url: string
  readonly applicationName: string
  /** How long connecting, and each statement, may take before the connection is given up. */
  readonly timeoutMs: number
}

/** A database that was made from another as its template has the epoch of that. */
const endForeignEpoch = `
  select rotate_cache_epoch() from cache_epoch where database <> current_database()`

/** Connects and listens on the channels.
 *  @param onNotified is told of each notification
 *  @param onLost is told when the connection has ended, whoever ended it */
export async function connectFollower(
  { url, applicationName, timeoutMs }: ConnectionOptions,
  channels: readonly string[],
  onNotified: (channel: string, payload: string) => void,
  onLost: (client: Client) => void,
): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    keepAlive: true,
  })
  client.on('error', () => onLost(client))
  client.on('end', () => onLost(client))
  client.on('notification', ({ channel, payload = '' }) => onNotified(channel, payload))
  try {
    await client.connect()
    // A catch-up must see what is committed when it is sent, whatever the defaults of the database are.
    await client.query(`set default_transaction_isolation = 'read committed'`)
    await client.query(endForeignEpoch)
    for (const channel of [changesChannel, ...channels]) {
      await client.query(`listen ${channel}`)
    }
    return client
  } catch (error) {
    discard(client)
    throw error
  }
}

/** Ends a connection on which an answer may still be outstanding, without waiting for the server. */
export function discard(client: Client): void {
  client.removeAllListeners('notification')
  client.end().catch(() => undefined)
  client.connection?.stream?.destroy()
}
