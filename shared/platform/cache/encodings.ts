import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'
import type { Coding, Held } from './held.ts'
import { unpooled } from './unpooled.ts'

/** Smaller bodies fit into one packet anyway. */
export const encodedBytesMin = 1024

const compress: Readonly<Record<Coding, (body: Buffer) => Promise<Buffer>>> = {
  // 5 of 11: beyond it Brotli's time grows much faster than what it saves.
  br: (body) =>
    promisify(brotliCompress)(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 5,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
  zstd: promisify<Buffer, Buffer>(zstdCompress),
  gzip: promisify<Buffer, Buffer>(gzip),
}

/** The body in a coding; made once for each entry, when it is first wanted, off the main thread. */
export function encode(held: Held, coding: Coding, onEncoded: () => void): Promise<Buffer> {
  const known = held.encoded.get(coding)
  if (known) {
    return known
  }
  const encoding = compress[coding](held.body).then((pooled) => {
    const bytes = unpooled(pooled)
    held.encodedBytes += bytes.length
    onEncoded()
    return bytes
  })
  held.encoded.set(coding, encoding)
  return encoding
}
