import { readFile } from 'node:fs/promises'
import { systemClock } from '#platform/clock'
import { openRaw, statusesIn, type RawSocket } from './raw-socket.ts'

/** Connections that were answered once and then say nothing. */
export type IdleSockets = {
  /** Answered, whatever it was. */
  readonly served: readonly RawSocket[]
  /** Told 503. */
  readonly refused: number
  close(): Promise<void>
}

/** Opens so many, a hundred at a time.  @throws {Error} when one is neither answered nor refused within 10 s */
export async function holdIdleSockets(origin: string, count: number): Promise<IdleSockets> {
  const sockets: RawSocket[] = []
  while (sockets.length < count) {
    const some = Math.min(100, count - sockets.length)
    const opened = Array.from({ length: some }, () =>
      openRaw(origin, 'GET /api/health/live HTTP/1.1\r\nHost: a\r\n\r\n'),
    )
    sockets.push(...(await Promise.all((await Promise.all(opened)).map(answered))))
  }
  const served = sockets.filter(({ text }) => statusesIn(text())[0] !== 503)
  const refused = sockets.filter(({ text }) => statusesIn(text())[0] === 503).length
  return {
    served,
    refused,
    async close() {
      sockets.forEach(({ socket }) => socket.destroy())
      await Promise.all(sockets.map(({ closed }) => closed))
    },
  }
}

async function answered(raw: RawSocket): Promise<RawSocket> {
  const end = systemClock.monotonicMs() + 10_000
  while (!raw.text().includes('\r\n\r\n')) {
    if (systemClock.monotonicMs() > end) {
      throw new Error('a connection was neither answered nor refused')
    }
    await systemClock.sleep(1)
  }
  return raw
}

/** What a process has in memory. */
export async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
}
