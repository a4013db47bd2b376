import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { isCode } from './live-process.ts'
import { Refusal, portVariables, type Ports } from './settings.ts'

/** Why a port cannot be used, or undefined when it can: tried on every address, as the api listens, and on loopback. */
export async function whyTaken(port: number): Promise<string | undefined> {
  for (const host of [undefined, '127.0.0.1']) {
    const server = createServer()
    try {
      server.listen({ port, exclusive: true, ...(host && { host }) })
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
    } catch (error) {
      if (isCode(error, 'EACCES')) {
        return 'needs more rights than this user has'
      }
      const holder = findListener(port)
      return holder ? `is used by process ${holder.pid} (${holder.command})` : 'is in use'
    }
  }
  return undefined
}

/** A port on 127.0.0.1: the preferred one when it is free, else any. */
export async function freePort(preferred = 0): Promise<number> {
  const server = createServer()
  try {
    server.listen(preferred, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    return freePort()
  }
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') {
    throw new Error('the system gave no port')
  }
  return address.port
}

/** Checks the three ports.  @throws {Refusal} that names each taken one, who has it and which variable changes it */
export async function requirePorts(ports: Ports): Promise<void> {
  const names = ['api', 'admin', 'worker'] as const
  const faults = await Promise.all(
    names.map(async (name) => {
      const reason = await whyTaken(ports[name])
      return reason && `port ${ports[name]} (${name}) ${reason}; ${chooseAnother(name, ports)}`
    }),
  )
  const told = faults.filter((fault) => fault !== undefined)
  if (told.length > 0) {
    throw new Refusal(told.join('\n'))
  }
}

/** What to type instead: a port that none of the three has. */
export function chooseAnother(name: keyof Ports, ports: Ports): string {
  let port = ports[name] + 1000
  while (port > 65_535 || Object.values(ports).includes(port)) {
    port = port > 65_535 ? port - 60_000 : port + 1
  }
  return `choose another: ${portVariables[name]}=${port} npm start`
}

/** Who listens on a port, where the system shows it: Linux, and only processes that we may look into. */
export function findListener(port: number): { pid: number; command: string } | undefined {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listening(table, port))
  if (sockets.length === 0) {
    return undefined
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (openFiles(pid).some((file) => sockets.includes(file))) {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
      return { pid: Number(pid), command: command.slice(0, 80) }
    }
  }
  return undefined
}

/** `socket:[inode]` of each listening socket; the tables are described in proc(5). */
function listening(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return existsSync(table)
    ? readFileSync(table, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
        .map((fields) => `socket:[${fields[9]}]`)
    : []
}

function openFiles(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`)
      } catch {
        return '' // closed meanwhile
      }
    })
  } catch {
    return [] // another user's, or gone meanwhile
  }
}
