import { Agent, request } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import type { Answer, Ask } from './session.ts'

/** One keep-alive connection, as a visitor has; never a second request before the answer to the first. */
export type Connection = {
  readonly send: (ask: Ask) => Promise<Answer>
  readonly close: () => void
}

/** No visitor waits longer. */
const timeoutMs = 10_000

const noAnswer: Answer = { status: 0, header: () => undefined, body: '' }

/** Opened with the first request. An answer that does not come is one of status 0, never a rejection.
 *  Bodies are asked for uncompressed: to decode them would be this program's work, on the processors of the API.
 *  @param key sent as `Authorization: Bearer` */
export function openConnection(baseUrl: string, key?: string): Connection {
  const isSecure = baseUrl.startsWith('https:')
  const options = { keepAlive: true, maxSockets: 1 }
  const agent = isSecure ? new SecureAgent(options) : new Agent(options)
  const start = isSecure ? requestSecurely : request
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }
  return {
    send({ path, headers }) {
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const signal = AbortSignal.timeout(timeoutMs)
      const call = start(
        `${baseUrl}${path}`,
        { agent, signal, headers: { ...authorization, ...headers } },
        (response) => {
          let body = ''
          response.setEncoding('utf8')
          response.on('data', (text: string) => (body += text))
          response.on('error', () => resolve(noAnswer))
          response.on('end', () => {
            const header = (name: string): string | undefined => {
              const value = response.headers[name]
              return Array.isArray(value) ? value.join(', ') : value
            }
            resolve({ status: response.statusCode ?? 0, header, body })
          })
        },
      )
      call.on('error', () => resolve(noAnswer))
      call.end()
      return promise
    },
    close: () => agent.destroy(),
  }
}
