import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { HttpFailure } from './http-failure.ts'

/** Reads an answer as UTF-8 text. The limit counts bytes after decompression and is enforced while they arrive, so a
 *  gzip bomb or an endless body costs `bytesMax` of memory and no more. At most one content encoding: every further
 *  layer multiplies what a small body can unpack to.
 *  @throws {HttpFailure} too-large, encoding */
export async function readText(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const body: AsyncIterable<Buffer> = decode(response)
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) {
      throw new HttpFailure('too-large', `the answer is larger than ${bytesMax} bytes`)
    }
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new HttpFailure('encoding', 'the answer is not UTF-8', { cause })
  }
}

function decode(response: IncomingMessage): Readable {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  switch (encoding) {
    case 'identity':
      return response
    case 'gzip':
      return unpack(response, createGunzip())
    case 'br':
      return unpack(response, createBrotliDecompress())
    default:
      response.destroy()
      throw new HttpFailure('encoding', 'the answer has an encoding that was not asked for')
  }
}

/** `pipeline` closes both ends when either fails or the reader stops early; the reader sees the error itself. */
function unpack<T extends Readable & NodeJS.WritableStream>(source: Readable, decoder: T): T {
  pipeline(source, decoder, () => {})
  return decoder
}
