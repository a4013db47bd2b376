import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Clock } from './clock.ts'
import type { Lifecycle } from './lifecycle.ts'
import { refuseMalformed, type Refuse } from './refuse-malformed.ts'

export type { Refuse }

/** Where a server listens and what its clients may cost it. */
export type ListenOptions = {
  readonly name: string
  readonly host: string
  readonly port: number
  /** The body for what is no request; without it Node answers with a bare status line. Whoever gives it also sees
   *  requests without a Host header, to refuse them in the same form. */
  readonly refuse?: Refuse
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
  { name, host, port, refuse }: ListenOptions,
  { lifecycle, clock, graceMs = 8_000 }: { lifecycle: Lifecycle; clock: Clock; graceMs?: number },
): Promise<Server> {
  const server = createServer({ ...limits, requireHostHeader: !refuse }, listener)
  // An expectation that we do not know is ignored (RFC 9110, 10.1.1); Node would answer 417 past the listener.
  server.on('checkExpectation', listener)
  if (refuse) {
    refuseMalformed(server, refuse)
  }
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
