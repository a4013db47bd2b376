import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isCode } from './live-process.ts'

export type Instance = { readonly pid: number | undefined }

/** Held as long as this process lives: the kernel gives it back, however the process ends. */
export type Lock = { release(): Promise<void> }

/**
 * Makes this process the only one on `directory`, or returns the one that is there already.
 * A listening socket is the lock: it answers with its owner's pid and cannot be stale on Linux, where its name is not a
 * file. Elsewhere it is one in the temporary directory, and a socket that refuses connections is taken over.
 * Refused: a pid file, which is stale after `kill -9` and proves nothing once the pid is used again.
 */
export async function lockDirectory(directory: string): Promise<Lock | Instance> {
  const address = socketAddress(directory)
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const server = await listen(address)
    if (server) {
      return { release: () => close(server) }
    }
    const instance = await askHolder(address)
    if (instance) {
      return instance
    }
    if (!address.startsWith('\0')) {
      rmSync(address, { force: true })
    }
  }
  return { pid: undefined }
}

/** The process that runs on this directory now, if any. */
export async function findInstance(directory: string): Promise<Instance | undefined> {
  return askHolder(socketAddress(directory))
}

function socketAddress(directory: string): string {
  const { dev, ino } = statSync(directory) // the same through links, bind mounts and other spellings
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 24)
  return platform() === 'linux' ? `\0tidegate-${name}` : join(tmpdir(), `tidegate-${name}.sock`)
}

async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(String(process.pid))
  })
  try {
    server.listen(address)
    await once(server, 'listening')
    server.unref()
    return server
  } catch (error) {
    if (isCode(error, 'EADDRINUSE')) {
      return undefined
    }
    throw error
  }
}

/** Undefined when nobody listens; an instance without a pid when somebody does but says nothing for two seconds. */
async function askHolder(address: string): Promise<Instance | undefined> {
  const socket = connect(address)
  const silence = setTimeout(() => socket.end().destroy(), 2000)
  try {
    await once(socket, 'connect')
  } catch {
    clearTimeout(silence)
    return undefined
  }
  let answer = ''
  try {
    for await (const chunk of socket.setEncoding('utf8')) {
      answer += String(chunk)
    }
  } catch {
    // Cut off: the holder is there, and that is all that can be said.
  } finally {
    clearTimeout(silence)
  }
  return { pid: /^\d+$/.test(answer) ? Number(answer) : undefined }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}
