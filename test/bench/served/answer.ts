import { once } from 'node:events'
import { request as ask } from 'node:http'

/** An answer as it was on the wire; what the rivals send again. */
export type WireAnswer = {
  readonly status: number
  /** Names as they were written; without those that belong to the connection or to the moment. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A request that a server is asked over and over. */
export type Asked = {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** The server writes these itself. */
const notRepeated = /^(date|connection|keep-alive|content-length|transfer-encoding)$/i

export async function fetchAnswer(port: number, { path, headers }: Asked): Promise<WireAnswer> {
  const sent = ask({ host: '127.0.0.1', port, path, headers, agent: false }).end()
  const [response] = await once(sent, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) {
    chunks.push(chunk)
  }
  const raw: readonly string[] = response.rawHeaders
  const pairs = raw.flatMap((name, index) =>
    index % 2 === 0 && !notRepeated.test(name) ? [[name, raw[index + 1] ?? ''] as const] : [],
  )
  return {
    status: response.statusCode,
    headers: Object.fromEntries(pairs),
    body: Buffer.concat(chunks),
  }
}

/** The bytes of the request, as an SDK would send them. */
export function requestText({ path, headers }: Asked): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** What an SDK sends along. Nothing about codings: all are to send the same bytes. */
export function headersOf(
  { port }: { readonly port: number },
  { secretKey }: { readonly secretKey: string },
): Asked['headers'] {
  return {
    Host: `127.0.0.1:${port}`,
    Authorization: `Bearer ${secretKey}`,
    Accept: 'application/json',
    'User-Agent': 'tidegate-bench/1',
  }
}

/** The answer as it is when it is cached. */
export async function fetchHit(
  server: { readonly port: number },
  asked: Asked,
): Promise<WireAnswer> {
  await fetchAnswer(server.port, asked)
  const answer = await fetchAnswer(server.port, asked)
  if (answer.status !== 200 || !answer.headers['Cache-Status']?.startsWith('memory; hit')) {
    throw new Error(`not a cached answer: ${answer.status} ${answer.headers['Cache-Status']}`)
  }
  return answer
}
