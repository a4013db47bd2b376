import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A relay in front of a server, which a test can make hold back answers, or lose every connection. */
export type TcpGate = {
  readonly port: number
  /** Keeps everything that the server says from now on. `reached` resolves when it has said something. */
  hold(): { readonly reached: Promise<void>; readonly open: () => void }
  /** Ends all connections and takes no new ones. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** Listens on a free port and passes bytes on to `port` until told otherwise. */
export async function openTcpGate(port: number): Promise<TcpGate> {
  const sockets = new Set<Socket>()
  let isCut = false
  let held: { bytes: (() => void)[]; reached: PromiseWithResolvers<void> } | undefined

  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = connect(port, '127.0.0.1')
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      if (held) {
        held.bytes.push(() => client.write(bytes))
        held.reached.resolve()
      } else {
        client.write(bytes)
      }
    })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    hold() {
      const mine = { bytes: [], reached: Promise.withResolvers<void>() }
      held = mine
      const open = (): void => {
        const kept: readonly (() => void)[] = mine.bytes
        held = held === mine ? undefined : held
        kept.forEach((send) => send())
      }
      return { reached: mine.reached.promise, open }
    },
    cut() {
      isCut = true
      sockets.forEach((socket) => socket.destroy())
    },
    mend() {
      isCut = false
    },
    async close() {
      sockets.forEach((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}
