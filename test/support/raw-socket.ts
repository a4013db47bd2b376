import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection on which nobody speaks HTTP for us. */
export type RawSocket = {
  readonly socket: Socket
  /** Everything that came back so far. */
  text(this: void): string
  /** Resolves when the connection is gone, by whomever. */
  readonly closed: Promise<void>
}

/** Connects, and sends the bytes as they are.  @param host another address of this machine */
export async function openRaw(
  origin: string,
  bytes: string | Uint8Array = '',
  host = '127.0.0.1',
): Promise<RawSocket> {
  const socket = connect(Number(new URL(origin).port), host)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  // `once` would reject where the server resets the connection
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed])
  if (bytes.length > 0) {
    socket.write(bytes)
  }
  return { socket, closed, text: () => Buffer.concat(chunks).toString('latin1') }
}

/** Everything that comes back until the server closes. */
export async function exchangeRaw(origin: string, bytes: string | Uint8Array): Promise<string> {
  const { closed, text } = await openRaw(origin, bytes)
  await closed
  return text()
}

/** The status codes of the answers in what came back. */
export const statusesIn = (text: string): readonly number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
