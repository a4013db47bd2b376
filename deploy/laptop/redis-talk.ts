import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Sends commands to a Redis and returns everything it answered, as it stands on the wire (RESP).
 *  For the launcher, which needs three commands; the product has its client for the rest.
 *  @throws when there is no connection or no answer within two seconds */
export async function askRedis(
  url: string,
  commands: readonly (readonly string[])[],
): Promise<string> {
  const { protocol, hostname, port, username, password } = new URL(url)
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)]
  const address = { host: hostname, port: Number(port || 6379) }
  const isTls = protocol === 'rediss:'
  const socket = isTls ? connectTls({ ...address, servername: hostname }) : connectPlain(address)
  const late = AbortSignal.timeout(2000)
  const give = (): void => void socket.destroy(new Error('no answer within 2 s'))
  late.addEventListener('abort', give)
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect')
    const login = secret ? [['AUTH', ...(user ? [user] : []), secret]] : []
    socket.write([...login, ...commands, ['QUIT']].map(encode).join(''))
    let said = ''
    for await (const chunk of socket.setEncoding('utf8')) {
      said += String(chunk)
    }
    return said
  } finally {
    late.removeEventListener('abort', give)
    socket.destroy()
  }
}

function encode(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return `*${words.length}\r\n${parts.join('')}`
}
