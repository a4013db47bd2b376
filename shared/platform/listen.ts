import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Clock } from './clock.ts'
import type { Lifecycle } from './lifecycle.ts'

/** Where a server listens and what its clients may cost it. */
export type ListenOptions = {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Slow clients hold a socket no longer than this; sources: FAULTS "Hostile clients". */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // above the usual 60 s of load balancers, so that they close first and never meet a closed socket
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
}
const requestsPerSocketMax = 1_000
const connectionsMax = 10_000

/** Serves HTTP until the lifecycle ends: then it takes no new connection, lets running requests finish, and cuts what is
 *  left after `graceMs`.
 *  @throws {Error} when the address is taken, naming it */
export async function listen(
  listener: RequestListener,
  { name, host, port }: ListenOptions,
  { lifecycle, clock, graceMs = 8_000 }: { lifecycle: Lifecycle; clock: Clock; graceMs?: number },
): Promise<Server> {
  const server = createServer(limits, listener)
  server.maxRequestsPerSocket = requestsPerSocketMax
  server.maxConnections = connectionsMax
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new Error(`${name} cannot listen on ${host}:${port}; choose another port`, { cause })
  }
  lifecycle.defer(`${name} server`, async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    const patience = new AbortController()
    const late = clock.sleep(graceMs, patience.signal).then(() => server.closeAllConnections())
    await Promise.race([closed, late.catch(() => undefined)])
    patience.abort()
    await closed
  })
  return server
}
