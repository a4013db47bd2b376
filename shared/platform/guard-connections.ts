import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from './clock.ts'
import { refusalText, type Refuse } from './refuse-malformed.ts'

/** What open connections may cost. */
export type ConnectionLimits = {
  /** Served at the same time; more are told 503 and closed. */
  readonly connectionsMax: number
  /** An answer must leave at this pace, on average since it first had to wait for its reader. */
  readonly answerBytesPerSecondMin: number
  /** So long no pace is asked for. */
  readonly answerGraceMs: number
  /** How often waiting answers are looked at. */
  readonly connectionsCheckingInterval: number
}

/** Told 503 at the same time; what comes beyond them is dropped by Node without a word. */
const refusedMax = 1_000
/** A refused client has so long to read why and to hang up. */
const lingerMs = 1_000

/**
 * Bounds what Node leaves open: connections beyond a number get an answer instead of silence, and a client that does not
 * read its answer is cut off. Node's own `server.timeout` sees only whether any byte moved, so a client that reads a few
 * bytes at a time would stay for ever; a lowest pace is what Kestrel asks for (MinResponseDataRate). Answers that fit into the
 * buffers of the kernel have left; such a connection counts as idle. Looked at in intervals, so that a request costs nothing.
 */
export function guardConnections(
  server: Server,
  limits: ConnectionLimits,
  { clock, refuse, signal }: { clock: Clock; refuse: Refuse; signal: AbortSignal },
): { readonly checked: Promise<void> } {
  const served = new Set<Socket>()
  server.maxConnections = limits.connectionsMax + refusedMax
  const serve = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (served.size >= limits.connectionsMax) {
      turnAway(socket, refuse)
      return
    }
    served.add(socket)
    socket.once('close', () => void served.delete(socket))
    for (const one of serve) {
      Reflect.apply(one, server, [socket])
    }
  })
  return { checked: cutSlowReaders(served, limits, { clock, signal }) }
}

/** Says 503 before anything was asked; reads on meanwhile, since closing with unread bytes would destroy the answer. */
function turnAway(socket: Socket, refuse: Refuse): void {
  socket.on('error', () => socket.destroy())
  socket.setTimeout(lingerMs, () => socket.destroy())
  socket.once('end', () => socket.destroy())
  socket.resume()
  socket.end(refusalText(refuse, 503))
}

type Waiting = { readonly sinceMs: number; readonly sentBytes: number }

/** Ends with the signal. */
async function cutSlowReaders(
  served: ReadonlySet<Socket>,
  limits: ConnectionLimits,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const waiting = new WeakMap<Socket, Waiting>()
  while (!signal.aborted) {
    await clock.sleep(limits.connectionsCheckingInterval, signal).catch(() => undefined)
    const nowMs = clock.monotonicMs()
    for (const socket of served) {
      const sentBytes = socket.bytesWritten - socket.writableLength
      const before = waiting.get(socket)
      if (socket.writableLength === 0) {
        waiting.delete(socket)
      } else if (!before) {
        waiting.set(socket, { sinceMs: nowMs, sentBytes })
      } else if (isTooSlow(before, { sinceMs: nowMs, sentBytes }, limits)) {
        socket.destroy()
      }
    }
  }
}

function isTooSlow(
  before: Waiting,
  now: Waiting,
  { answerGraceMs, answerBytesPerSecondMin }: ConnectionLimits,
): boolean {
  const elapsedMs = now.sinceMs - before.sinceMs
  const wantedBytes = (answerBytesPerSecondMin * elapsedMs) / 1_000
  return elapsedMs >= answerGraceMs && now.sentBytes - before.sentBytes < wantedBytes
}
