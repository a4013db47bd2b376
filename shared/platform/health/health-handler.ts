import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** Answers `/health`, `/health/live` and `/health/ready`, each also below `/api`, and hands everything else to `next`;
 *  works under Express and under Node's own server.
 *  Live: the loop turns. Ready: started and not draining; no dependency counts, or one outage would empty the pool.
 *  @param healthyWord what a monitor expects to read when all is well: `healthy`, or `ok` for some of them */
export function healthHandler(health: Health, healthyWord: 'healthy' | 'ok' = 'healthy'): Handler {
  return (request, response, next) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/api(?=\/)/, '')
    const isHealth = path === '/health' || path === '/health/live' || path === '/health/ready'
    if (!isHealth) {
      next()
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, { status: 'method not allowed' })
    } else if (path === '/health/live') {
      answer(response, 200, { status: 'ok' })
    } else if (path === '/health/ready') {
      const phase = health.phase()
      answer(response, phase === 'ready' ? 200 : 503, { status: phase })
    } else {
      void answerReport(health, healthyWord, response)
    }
  }
}

/** For a process that serves nothing else. */
export function notFound(_request: IncomingMessage, response: ServerResponse): void {
  answer(response, 404, { status: 'not found' })
}

async function answerReport(
  health: Health,
  healthyWord: string,
  response: ServerResponse,
): Promise<void> {
  const report = await health.report()
  const status = report.status === 'healthy' ? healthyWord : report.status
  answer(response, report.status === 'unhealthy' ? 503 : 200, { ...report, status })
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
