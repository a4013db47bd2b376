import { request as requestPlain, type IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import type { LookupFunction } from 'node:net'
import { withClientSpan } from '../telemetry/spans.ts'
import { HttpFailure } from './http-failure.ts'
import { readText } from './limited-body.ts'

/** One GET: where to, what to accept, and its limits in milliseconds and bytes. */
export type Exchange = {
  readonly url: URL
  readonly lookup: LookupFunction
  /** Media types that make sense here; an answer of another type is refused before its body is read. */
  readonly mediaTypes: readonly string[]
  readonly bodyBytesMax: number
  /** From the name's resolution to the end of the TLS handshake. */
  readonly connectTimeoutMs: number
  /** From the connection to the end of the answer's headers. */
  readonly headersTimeoutMs: number
  readonly signal: AbortSignal
}

/** What came back. Anything but 200 carries at most 16 KiB of its body, for mapping error documents. */
export type Answer = {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | undefined
}

const errorBytesMax = 16 * 1024

/** Sends one GET on a connection of its own and reads the answer, in a client span whose URL has no query.
 *  node:http rather than fetch: it lets us choose the very address that is connected to (`lookup`) and time each phase,
 *  which Node's fetch offers only through the separate undici package. Redirects are never followed.
 *  @throws {HttpFailure} */
export function exchange(call: Exchange): Promise<Answer> {
  const { url } = call
  const attributes = {
    'http.request.method': 'GET',
    'server.address': url.hostname,
    'url.full': `${url.origin}${url.pathname}`,
  }
  return withClientSpan('GET', attributes, async (note) => {
    try {
      const answer = await receive(call)
      note({ 'http.response.status_code': answer.status })
      return answer
    } catch (error) {
      const failure = toFailure(error, call)
      note({ 'error.type': failure.reason })
      throw failure
    }
  })
}

async function receive(call: Exchange): Promise<Answer> {
  const response = await send(call)
  try {
    const status = response.statusCode ?? 0
    const retryAfter = response.headers['retry-after']
    if (status >= 300 && status < 400) {
      throw new HttpFailure('redirect', `${call.url.host} redirects, which is not followed`, {
        status,
      })
    }
    if (status !== 200) {
      const text = await readText(response, errorBytesMax).catch(() => '')
      return { status, text, retryAfter }
    }
    refuseOtherMedia(call, response)
    return { status, text: await readText(response, call.bodyBytesMax), retryAfter }
  } finally {
    response.destroy()
  }
}

function send(call: Exchange): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { url, signal, lookup, mediaTypes } = call
  const isTls = url.protocol === 'https:'
  const outgoing = (isTls ? requestTls : requestPlain)(url, {
    agent: false,
    signal,
    lookup,
    headers: {
      accept: mediaTypes.join(', '),
      'accept-encoding': 'gzip, br',
      'user-agent': 'tidegate',
    },
  })
  const expire = (phase: string) => (): void => {
    outgoing.destroy(new HttpFailure('timeout', `${url.host} did not ${phase} in time`))
  }
  let timer = setTimeout(expire('accept a connection'), call.connectTimeoutMs)
  outgoing.once('socket', (socket) => {
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      timer = setTimeout(expire('answer'), call.headersTimeoutMs)
    })
  })
  outgoing.once('response', resolve)
  // Stays attached: an error after the answer began arrives here too, and the reader reports it.
  outgoing.on('error', reject)
  outgoing.end()
  return promise.finally(() => clearTimeout(timer))
}

function refuseOtherMedia({ url, mediaTypes }: Exchange, response: IncomingMessage): void {
  const [mediaType = ''] = (response.headers['content-type'] ?? '').split(';')
  const given = mediaType.trim().toLowerCase()
  if (given !== '' && !mediaTypes.includes(given)) {
    throw new HttpFailure('media-type', `${url.host} answered ${given.slice(0, 100)}`)
  }
}

function toFailure(error: unknown, { url, signal }: Exchange): HttpFailure {
  if (error instanceof HttpFailure) {
    return error
  }
  if (signal.aborted) {
    return new HttpFailure('timeout', `${url.host} was given up on`, { cause: error })
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
  const reason = code.startsWith('Z_') || code.startsWith('ERR__ERROR') ? 'encoding' : 'connection'
  return new HttpFailure(reason, `${url.host}: ${code}`, { cause: error })
}
