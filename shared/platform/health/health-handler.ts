import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

export type HealthHandlerOptions = {
  /** What a monitor expects to read when all is well: `healthy`, or `ok` for some of them. */
  readonly healthyWord?: 'healthy' | 'ok'
  /** Who is shown more than the basic report; nobody when left out. Must not wait for anything. */
  readonly isOperator?: (request: IncomingMessage) => boolean
}

/** What an endpoint says, and under which status. */
type Said = { readonly status: number; readonly body: object }
type Endpoint = {
  /** Detailed answers say how the inside is built, and cost probes (Directus, GHSA-6q22-g298-grjh). */
  readonly isForOperators: boolean
  readonly say: (health: Health, healthyWord: string) => Said | Promise<Said>
}

/**
 * By their path, each also below `/api`.
 * Live: the loop turns. Startup: it has begun to serve. Ready: started and not draining; no dependency counts, or one outage
 * would empty the pool. The rest asks, within budgets, and answers 503 only when the process cannot do its work.
 */
const endpoints: Readonly<Record<string, Endpoint>> = {
  '/health': {
    isForOperators: false,
    say: async (health, word) => told(await health.report(), word),
  },
  '/health/live': { isForOperators: false, say: () => ({ status: 200, body: { status: 'ok' } }) },
  '/health/startup': {
    isForOperators: false,
    say: (health) => phased(health, (phase) => phase !== 'starting'),
  },
  '/health/ready': {
    isForOperators: false,
    say: (health) => phased(health, (phase) => phase === 'ready'),
  },
  '/health/detailed': {
    isForOperators: true,
    say: async (health) => told(await health.detailed()),
  },
  '/health/advanced': {
    isForOperators: true,
    say: async (health) => told(await health.detailed()),
  },
  '/health/database': {
    isForOperators: true,
    async say(health) {
      const report = await health.database()
      return report ? told(report) : { status: 404, body: { status: 'not found' } }
    },
  },
}

/** Answers the paths of health and hands everything else to `next`; works under Express and under Node's own server. */
export function healthHandler(
  health: Health,
  { healthyWord = 'healthy', isOperator = () => false }: HealthHandlerOptions = {},
): Handler {
  return (request, response, next) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/api(?=\/)/, '') ?? ''
    const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined
    if (!endpoint) {
      next()
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, { status: 405, body: { status: 'method not allowed' } })
    } else if (endpoint.isForOperators && !isOperator(request)) {
      answer(response, {
        status: 401,
        body: { status: 'for operators: a bearer token is required' },
      })
    } else {
      void sayInTurn(endpoint, health, healthyWord).then(
        (said) => answer(response, said),
        // who cannot even say how it is does not do its work
        () => answer(response, { status: 503, body: { status: 'unhealthy' } }),
      )
    }
  }
}

/** For a process that serves nothing else. */
export function notFound(_request: IncomingMessage, response: ServerResponse): void {
  answer(response, { status: 404, body: { status: 'not found' } })
}

async function sayInTurn(endpoint: Endpoint, health: Health, healthyWord: string): Promise<Said> {
  return endpoint.say(health, healthyWord)
}

function told(report: { readonly status: string }, healthyWord = 'healthy'): Said {
  const status = report.status === 'healthy' ? healthyWord : report.status
  return { status: report.status === 'unhealthy' ? 503 : 200, body: { ...report, status } }
}

function phased(health: Health, isWell: (phase: string) => boolean): Said {
  const phase = health.phase()
  return { status: isWell(phase) ? 200 : 503, body: { status: phase } }
}

const moreHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'WWW-Authenticate': 'Bearer realm="tidegate"' },
  405: { Allow: 'GET, HEAD' },
}

function answer(response: ServerResponse, { status, body }: Said): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...moreHeaders[status],
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
