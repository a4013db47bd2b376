import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  mayPrepare,
  sendPrepared,
  sentHead,
} from '../../../shared/platform/http/prepared-answer.ts'
import { answerParent } from '../forked.ts'
import { loadRival } from '../races/contender.ts'

// A server that sends answers which are ready: what each framework costs beside them. It answers its parent with how often it
// was asked.

export type ReadyKind =
  | 'node:http'
  | 'node:http, prepared head'
  | 'Express'
  | 'Express + apicache'
  | 'Fastify'

export type ReadySetup = {
  readonly kind: ReadyKind
  readonly path: string
  /** By the Accept-Encoding of the request; '' is none. */
  readonly answers: Readonly<Record<string, ReadyAnswer>>
}

export type ReadyAnswer = {
  readonly headers: Readonly<Record<string, string>>
  readonly bodyBase64: string
}

type Ready = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }
type Choose = (request: IncomingMessage) => Ready

process.env['NODE_ENV'] = 'production' // before a framework looks

let count = 0

const servers = {
  'node:http': async (_path: string, choose: Choose) =>
    createServer((request, response) => {
      const { headers, body } = choose(request)
      response.writeHead(200, { ...headers, 'Content-Length': body.length }).end(body)
    }),
  /** The least that Node's own server can cost: nothing of an answer is made again. */
  'node:http, prepared head': async (_path: string, choose: Choose) => {
    const heads = new Map<Ready, string>()
    return createServer((request, response) => {
      const ready = choose(request)
      const { headers, body } = ready
      const head = heads.get(ready)
      if (head && mayPrepare(response)) {
        sendPrepared(response, { status: 200, head, body })
        return
      }
      response.writeHead(200, { ...headers, 'Content-Length': body.length }).end(body)
      heads.set(ready, sentHead(response) ?? '')
    })
  },
  Express: async (path: string, choose: Choose) => createServer(await express(path, choose)),
  'Express + apicache': async (path: string, choose: Choose) => {
    const { default: apicache } = await loadRival('apicache')
    return createServer(await express(path, choose, apicache.middleware('1 hour')))
  },
  async Fastify(path: string, choose: Choose) {
    const { fastify } = await loadRival('fastify')
    const app = fastify({ logger: false })
    app.get(path, (request: { readonly raw: IncomingMessage }, reply: any) => {
      const { headers, body } = choose(request.raw)
      return reply.headers(headers).send(body)
    })
    await app.ready()
    return app.server as ReturnType<typeof createServer>
  },
}

answerParent(async ({ kind, path, answers }: ReadySetup) => {
  const ready = new Map(
    Object.entries(answers).map(([coding, { headers, bodyBase64 }]) => [
      coding,
      { headers, body: Buffer.from(bodyBase64, 'base64') },
    ]),
  )
  const choose: Choose = (request) => {
    count += 1
    const found = ready.get(request.headers['accept-encoding'] ?? '')
    if (!found) {
      throw new Error('nobody should ask for this coding')
    }
    return found
  }
  const server = await servers[kind](path, choose)
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    answer: async () => ({ port: (server.address() as AddressInfo).port, count }),
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
})

/** The string is ready, too; middleware runs before the handler that sends it. */
async function express(
  path: string,
  choose: Choose,
  ...middleware: readonly unknown[]
): Promise<RequestListener> {
  const { default: createExpress } = await loadRival('express')
  const app = createExpress()
  app.disable('x-powered-by')
  app.disable('etag') // sent ready
  const texts = new Map<Ready, string>()
  app.get(path, ...middleware, (request: any, response: any) => {
    const ready = choose(request)
    const text = texts.get(ready) ?? ready.body.toString()
    texts.set(ready, text)
    response.set(ready.headers).send(text)
  })
  return app
}
