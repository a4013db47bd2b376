import { once } from 'node:events'
import { connect } from 'node:net'
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

/** The whole answer as it came, head and body, one character for each byte. The connection is kept alive, as clients do. */
export async function receiveRaw(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const { hostname, port, pathname, search } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n${lines.join('')}\r\n`)
  let text = ''
  for await (const bytes of socket.setEncoding('latin1')) {
    text += String(bytes)
    const headLength = text.indexOf('\r\n\r\n') + 4
    const bodyLength = /^content-length: (\d+)\r$/im.exec(text.slice(0, headLength))?.[1] ?? '0'
    if (headLength > 3 && text.length >= headLength + Number(bodyLength)) {
      socket.destroy()
      break
    }
  }
  return text
}
