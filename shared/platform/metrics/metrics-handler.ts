import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { prometheusText, prometheusType } from './prometheus-text.ts'
import type { ProcessMetrics } from './process-metrics.ts'
import { cacheFiguresOf, snapshotOf } from './snapshot.ts'

export type MetricsAccess = {
  /** Who sends it as a bearer token may read; undefined: nobody gets in that way. */
  readonly token: string | undefined
  /** Whether callers on the same machine need none. */
  readonly isLocalAllowed: boolean
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

type Form = { readonly type: string; readonly body: string }
type Render = (metrics: ProcessMetrics) => Promise<Form>

const json = (value: object): Form => ({
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
})

const text: Render = async (metrics) => ({
  type: prometheusType,
  body: prometheusText(await metrics.read()),
})
const snapshot: Render = async (metrics) => json(snapshotOf(await metrics.read()))
const cache: Render = async (metrics) => json(cacheFiguresOf(await metrics.read()))

/** Where metrics are read, and in which form. */
const forms: Readonly<Record<string, Render>> = {
  '/metrics': text,
  '/api/metrics': snapshot,
  '/metrics/cache': cache,
  '/api/metrics/cache': cache,
  '/cache/stats': cache,
  '/api/cache/stats': cache,
}

/** The path of a request where metrics are read there; a closed set, for figures. */
export function metricsPathOf(url: string | undefined): string | undefined {
  const path = (url ?? '').split('?', 1)[0] ?? ''
  return Object.hasOwn(forms, path) ? path : undefined
}

/** Answers with the metrics of this process, and hands everything else to `next`; works under Express and under Node's own
 *  server. Which processes hold which figures, their `measure…` calls say.
 *  @param refusal makes what `next` is given when the caller may not read; left out: a bare 401 */
export function metricsHandler(
  metrics: ProcessMetrics,
  access: MetricsAccess,
  refusal?: () => Error,
): Handler {
  const isKnown = tokenCheck(access.token)
  return (request, response, next) => {
    const render = forms[metricsPathOf(request.url) ?? '']
    if (!render) {
      next()
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, json({ status: 'method not allowed' }))
    } else if (isKnown(request) || (access.isLocalAllowed && isLocal(request))) {
      render(metrics).then((form) => send(response, 200, form), next)
    } else if (refusal) {
      next(refusal())
    } else {
      send(response, 401, json({ status: 'a bearer token is needed' }))
    }
  }
}

/** Compares digests, in a time that says nothing of either. */
function tokenCheck(token: string | undefined): (request: IncomingMessage) => boolean {
  if (token === undefined) {
    return () => false
  }
  const expected = hash('sha256', token, 'buffer')
  return ({ headers }) => {
    const sent = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    return sent !== undefined && timingSafeEqual(hash('sha256', sent, 'buffer'), expected)
  }
}

/** What a proxy on this machine brings from elsewhere is not local, whoever holds the connection. */
const forwarded = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

function isLocal({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress?.replace(/^::ffff:/i, '') ?? ''
  const isLoopback = address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
  return isLoopback && forwarded.every((name) => headers[name] === undefined)
}

function send(response: ServerResponse, status: number, { type, body }: Form): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
