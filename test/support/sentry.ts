import { once } from 'node:events'
import { createServer } from 'node:http'

export type Sentry = {
  readonly dsn: string
  /** The events that arrived, as they came. */
  readonly events: readonly any[]
  /** Every byte that arrived. */
  readonly text: () => string
  close(): Promise<void>
}

/** Takes the envelopes of Sentry's SDK over HTTP and keeps them.
 *  @param isFrozen takes connections and requests, and never answers */
export async function startSentry(isFrozen = false): Promise<Sentry> {
  const envelopes: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      envelopes.push(Buffer.concat(chunks).toString('utf8'))
      if (!isFrozen) {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    dsn: `http://public@127.0.0.1:${port}/1`,
    get events() {
      return envelopes.flatMap(eventsIn)
    },
    text: () => envelopes.join('\n'),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An envelope is its header, then for each item a header and a payload, each one line of JSON. */
function eventsIn(envelope: string): readonly any[] {
  const lines = envelope.split('\n').slice(1)
  return lines.flatMap((line, index) =>
    index % 2 === 0 && line !== '' && JSON.parse(line).type === 'event'
      ? [JSON.parse(lines[index + 1] ?? '')]
      : [],
  )
}
