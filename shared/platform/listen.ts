import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Clock } from './clock.ts'
import { guardConnections, type ConnectionLimits } from './guard-connections.ts'
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
  /** Others than the usual ones: specs do not wait for seconds. */
  readonly limits?: Partial<ClientLimits>
}

/** What slow, long-winded and numerous clients may cost. */
export type ClientLimits = ConnectionLimits & {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly keepAliveTimeout: number
  readonly maxHeaderSize: number
}

/** Slow clients hold a socket no longer than this; sources: FAULTS "Hostile clients". */
const usualLimits: ClientLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // above the usual 60 s of load balancers, so that they close first and never meet a closed socket
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
  connectionsMax: 10_000,
  // below any network that somebody waits for; Kestrel asks for 240 after 5 s, but counts what the kernel still holds
  answerBytesPerSecondMin: 1_024,
  answerGraceMs: 20_000,
}
const requestsPerSocketMax = 1_000
/** What is said where the process has no form of its own. */
const refuseBarely: Refuse = (status) => ({
  headers: status === 503 ? { 'Retry-After': '5' } : {},
  body: '',
})

/** Serves HTTP until the lifecycle ends: then it takes no new connection, lets running requests finish, and cuts what is
 *  left after `graceMs`.
 *  @throws {Error} when the address is taken, naming it */
export async function listen(
  listener: RequestListener,
  { name, host, port, refuse, limits: others }: ListenOptions,
  { lifecycle, clock, graceMs = 8_000 }: { lifecycle: Lifecycle; clock: Clock; graceMs?: number },
): Promise<Server> {
  const limits = { ...usualLimits, ...others }
  const server = createServer({ ...limits, requireHostHeader: !refuse }, listener)
  // An expectation that we do not know is ignored (RFC 9110, 10.1.1); Node would answer 417 past the listener.
  server.on('checkExpectation', listener)
  if (refuse) {
    refuseMalformed(server, refuse)
  }
  const drain = closeAfterAnswers(server)
  server.maxRequestsPerSocket = requestsPerSocketMax
  const stopping = new AbortController()
  const guarding = { clock, refuse: refuse ?? refuseBarely, signal: stopping.signal }
  const { checked } = guardConnections(server, limits, guarding)
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    stopping.abort()
    throw new Error(`${name} cannot listen on ${host}:${port}; choose another port`, { cause })
  }
  lifecycle.defer(`${name} server`, async () => {
    const closed = once(server, 'close')
    stopping.abort()
    drain()
    server.close()
    const patience = new AbortController()
    const late = clock.sleep(graceMs, patience.signal).then(() => server.closeAllConnections())
    await Promise.race([closed, late.catch(() => undefined)])
    patience.abort()
    await closed
    await checked
  })
  return server
}

/** What it returns makes every answer from then on the last one of its connection. `server.close()` closes only what is
 *  idle at that moment: a connection that is being answered would stay open until its keep-alive ends. */
function closeAfterAnswers(server: Server): () => void {
  const pending = new Set<ServerResponse>()
  let isDraining = false
  const endWith = (response: ServerResponse): void => {
    if (!response.headersSent) {
      response.setHeader('Connection', 'close')
    }
  }
  server.prependListener('request', (_request, response) => {
    pending.add(response)
    response.once('close', () => void pending.delete(response))
    if (isDraining) {
      endWith(response)
    }
  })
  return () => {
    isDraining = true
    pending.forEach(endWith)
  }
}
