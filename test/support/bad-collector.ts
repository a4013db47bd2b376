import { once } from 'node:events'
import { createServer } from 'node:http'

/** Takes what it is sent; refuses it with a status; or accepts connections and reads nothing, like a stopped process. */
export type Mood = 200 | 429 | 503 | 'frozen'

/** A collector that does not do what a collector should. */
export type BadCollector = {
  readonly url: string
  /** Of those that are open. */
  connectionsCount(): Promise<number>
  turn(mood: Mood): void
  close(): Promise<void>
}

export async function startBadCollector(first: Mood): Promise<BadCollector> {
  let mood = first
  const server = createServer((request, response) => {
    request.resume()
    if (mood !== 'frozen') {
      response.writeHead(mood, { 'content-type': 'application/json' }).end('{}')
    }
  })
  server.on('connection', (socket) => {
    if (mood === 'frozen') {
      socket.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    connectionsCount: () =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    turn(next) {
      mood = next
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
