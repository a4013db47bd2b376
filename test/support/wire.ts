import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'

/** An answer as it came over the wire; `fetch` would decode it, and say nothing of how it was encoded. */
export type Received = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** Sends a request without a body, and with no header but these. */
export async function receive(
  url: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<Received> {
  const sent = request(url, { method, headers, agent: false })
  sent.end()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one argument of `response`
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const bytes = Buffer.concat(await answer.toArray())
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes }
}

/** The body behind its coding. */
export function decoded({ headers, bytes }: Received): string {
  const coding = headers['content-encoding'] ?? 'identity'
  const decode = decoders[coding]
  if (!decode) {
    throw new Error(`nobody asked for ${coding}`)
  }
  return decode(bytes).toString()
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  gzip: gunzipSync,
}
