import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export type RedisServer = { readonly url: string; stop(): Promise<void> }

/** The first Redis-compatible server on the given PATH, if any. */
export async function findRedisBinary(path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    for (const name of ['redis-server', 'valkey-server']) {
      const candidate = join(directory, name)
      const found = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (found) {
        return candidate
      }
    }
  }
  return undefined
}

/** Starts a Redis on 127.0.0.1 as a child of this process and waits until it accepts connections. */
export async function startRedis(options: {
  readonly binary: string
  readonly directory: string
  readonly port: number
  readonly settings?: readonly string[]
}): Promise<RedisServer> {
  const { binary, directory, port, settings = [] } = options
  await mkdir(directory, { recursive: true })
  const listen = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const child = spawn(binary, [...listen, ...settings], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await Promise.race([
    accepting(port),
    exited.then(() => Promise.reject(new Error(`${binary} stopped at start-up`))),
  ])
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function accepting(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) {
      return
    }
    await delay(25)
  }
  throw new Error(`nothing listens on 127.0.0.1:${port}`)
}
