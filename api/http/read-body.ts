import type { IncomingMessage } from 'node:http'
import type { RequestHandler } from 'express'
import { Problem } from '#platform/problem'
import { problems } from './problems.ts'

/** Puts the bytes of a JSON body into `request.body`; of another type nothing is read. A body that is too large is refused
 *  where it passes the limit, and what still comes is thrown away until the time of a request is over. `express.raw` reads
 *  to the end first, and an endless body would never be told why. */
export function readBody(bytesMax: number): RequestHandler {
  return async (request, _response, next) => {
    const { headers } = request
    const hasBody =
      headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
    if (hasBody && isJson(request)) {
      if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
        throw new Problem(problems.mediaTypeUnsupported, 'This encoding is not read here.')
      }
      if (Number(headers['content-length'] ?? 0) > bytesMax) {
        throw tooLarge(bytesMax)
      }
      request.body = await collect(request, bytesMax)
    }
    next()
  }
}

function collect(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const take = (chunk: Buffer): void => {
    size += chunk.length
    chunks.push(chunk)
    if (size > bytesMax) {
      chunks.length = 0
      request.off('data', take).resume()
      reject(tooLarge(bytesMax))
    }
  }
  request.on('data', take)
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', (cause) => {
    reject(new Problem(problems.requestMalformed, 'The body ended too early.', { cause }))
  })
  return promise
}

function tooLarge(bytesMax: number): Problem {
  return new Problem(problems.bodyTooLarge, 'The body is larger than this API reads.', {
    facts: { bytesMax },
  })
}

/** JSON is UTF-8 (RFC 8259, 8.1); another charset would be decoded into something that was not sent. */
function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json *(; *charset="?utf-8"?)?$/i.test(headers['content-type'] ?? '')
}
