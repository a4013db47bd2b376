import type { IncomingMessage, ServerResponse } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import type { Health } from './health.ts'

type Answer = { readonly status: number; readonly body: unknown }
type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** Answers `/health` and `/api/health` with their `/live` and `/ready`, and hands everything else on.
 *  Works under Express and under Node's own server.
 *  @param healthyWord what a monitor expects to read when all is well: `healthy`, or `ok` for some of them */
export function healthHandler(health: Health, healthyWord: 'healthy' | 'ok' = 'healthy'): Handler {
  const basic = async (): Promise<Answer> => {
    const report = await health.report()
    const status = report.status === 'healthy' ? healthyWord : report.status
    return { status: report.status === 'unhealthy' ? 503 : 200, body: { ...report, status } }
  }
  const answers: Readonly<Record<string, () => Promise<Answer>>> = {
    '/health': basic,
    // The event loop turns, or there would be no answer. Dependencies do not count: a restart mends none of them.
    '/health/live': async () => ({ status: 200, body: { status: 'ok' } }),
    '/health/ready': async () =>
      health.isReady()
        ? { status: 200, body: { status: 'ready' } }
        : { status: 503, body: { status: 'draining' } },
  }
  return (request, response, next) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = answers[path.replace(/^\/api(?=\/)/, '')]
    if (answer === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      next()
      return
    }
    void answer().then(({ status, body }) => {
      const text = JSON.stringify(body)
      response.writeHead(status, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
      })
      response.end(request.method === 'HEAD' ? undefined : text)
    })
  }
}

/** The heap in use and the most that this process may have. */
export function heapMemory(): { used: number; total: number } {
  const { used_heap_size: used, heap_size_limit: total } = getHeapStatistics()
  return { used, total }
}
