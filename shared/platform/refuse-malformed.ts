import { STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What is answered to bytes that never became a request: 400, 408 for one that came too slowly, 431 for one whose line
 *  and headers are too long; and 503 to a connection beyond those that are served. */
export type Refuse = (status: RefusedStatus) => {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
type RefusedStatus = 400 | 408 | 431 | 503

/** The last answer of a connection, as it is written to the socket itself. */
export function refusalText(refuse: Refuse, status: RefusedStatus): string {
  const { headers, body } = refuse(status)
  const all = { ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

/** Answers on the socket itself, since there is no response to answer with, and closes it. Where an answer has begun,
 *  a second one would be read as part of it, so the socket is only closed.
 *  @param answering what is being answered on a socket */
export function refuseMalformed(
  server: Server,
  refuse: Refuse,
  answering: (socket: Duplex) => ServerResponse | undefined,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const current = answering(socket)
    const hasBegun = current?.headersSent === true && !current.writableFinished
    if (!socket.writable || hasBegun || error.code === 'ECONNRESET') {
      socket.destroy(error)
      return
    }
    const text = refusalText(refuse, statusOf(error.code))
    // Node's own sockets stay half open, and this client has shown that it does not keep to the rules.
    socket.end(text, () => socket.destroy())
  })
}

function statusOf(code: string | undefined): 400 | 408 | 431 {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return 431
  }
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}
