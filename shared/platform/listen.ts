import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
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
  /** Other processes listen there as well, and the system divides the connections among them (SO_REUSEPORT). */
  readonly isShared?: boolean
  /** The body for what is no request; without it Node answers with a bare status line. Whoever gives it also sees
   *  requests without a Host header, to refuse them in the same form. */
  readonly refuse?: Refuse
  /** Answers before the listener is asked, or says that it does not. It never waits. */
  readonly answerFirst?: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Others than the usual ones: specs do not wait for seconds. */
  readonly clientLimits?: Partial<ClientLimits>
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

/** A server that listens. */
export type Listening = {
  readonly server: Server
  /** Makes every answer from now on the last one of its connection, while new ones are still taken. */
  drain(): void
}

/** Serves HTTP until the lifecycle ends: then it takes no new connection, lets running requests finish, and cuts what is
 *  left after `graceMs`.
 *  @throws {Error} when the address is taken, naming it */
export async function listen(
  listener: RequestListener,
  options: ListenOptions,
  { lifecycle, clock, graceMs = 8_000 }: { lifecycle: Lifecycle; clock: Clock; graceMs?: number },
): Promise<Listening> {
  const { name, host, port, refuse, answerFirst, isShared = false } = options
  const limits = { ...usualLimits, ...options.clientLimits }
  const server = createServer({ ...limits, requireHostHeader: !refuse })
  const { drain, answering } = serve(server, listener, answerFirst)
  // An expectation that we do not know is ignored (RFC 9110, 10.1.1); Node would answer 417 past the listener.
  server.on('checkExpectation', listener)
  if (refuse) {
    refuseMalformed(server, refuse, answering)
  }
  server.maxRequestsPerSocket = requestsPerSocketMax
  const stopping = new AbortController()
  const guarding = { clock, refuse: refuse ?? refuseBarely, signal: stopping.signal }
  const { checked } = guardConnections(server, limits, guarding)
  server.listen({ host, port, reusePort: isShared })
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
  return { server, drain }
}

/** Has the listener answer what is not answered first. Draining makes every answer from then on the last one of its
 *  connection: `server.close()` closes only what is idle at that moment, and a connection that is being answered would stay
 *  open until its keep-alive ends. What is answered first is out when it returns, and so is never among those that wait. */
function serve(
  server: Server,
  listener: RequestListener,
  answerFirst: ListenOptions['answerFirst'],
): { drain: () => void; answering: (socket: Duplex) => ServerResponse | undefined } {
  const pending = new Set<ServerResponse>()
  let isDraining = false
  const endWith = (response: ServerResponse): void => {
    if (!response.headersSent) {
      response.setHeader('Connection', 'close')
    }
  }
  server.on('request', (request, response) => {
    if (!isDraining && answerFirst?.(request, response) === true) {
      return
    }
    pending.add(response)
    response.once('close', () => void pending.delete(response))
    if (isDraining) {
      endWith(response)
    }
    listener(request, response)
  })
  return {
    drain: () => {
      isDraining = true
      pending.forEach(endWith)
    },
    answering: (socket) => [...pending].find((response) => response.socket === socket),
  }
}
