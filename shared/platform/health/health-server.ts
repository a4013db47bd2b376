import type { RequestListener, ServerResponse } from 'node:http'
import type { Health } from './health.ts'

/** Answers `/health`, `/health/live` and `/health/ready`, each also below `/api`; 404 for everything else.
 *  Live: the loop turns. Ready: started and not draining; no dependency counts, or one outage would empty the pool. */
export function healthListener(health: Health): RequestListener {
  return (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/api(?=\/)/, '')
    const isHealth = path === '/health' || path === '/health/live' || path === '/health/ready'
    if (!isRead || !isHealth) {
      answer(response, isHealth ? 405 : 404, { status: isHealth ? 'method not allowed' : 'not found' })
    } else if (path === '/health/live') {
      answer(response, 200, { status: 'ok' })
    } else if (path === '/health/ready') {
      const phase = health.phase()
      answer(response, phase === 'ready' ? 200 : 503, { status: phase })
    } else {
      void answerReport(health, response)
    }
  }
}

async function answerReport(health: Health, response: ServerResponse): Promise<void> {
  const report = await health.report()
  answer(response, report.status === 'unhealthy' ? 503 : 200, report)
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(JSON.stringify(body))
}
