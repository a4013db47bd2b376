import { startChild } from '../support/child.ts'
import { holdIdleSockets, residentBytes } from '../support/idle-sockets.ts'
import { createDatabase, freePort } from '../support/servers.ts'

/** As many as one API process serves, and some that it has to refuse. */
const counts = { served: 10_000, beyond: 200 }

/** What idle connections cost a real API process, and whether it answers beside them and after them. */
export async function printIdleSockets(): Promise<void> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = await startChild('api', {
    DATABASE_URL: await createDatabase(),
    REDIS_URL: '',
    PORT: String(port),
  })
  const warm = await holdIdleSockets(origin, 500)
  await warm.close()
  const before = await residentBytes(child.process.pid)
  const kept = await fetch(`${origin}/api/health`)
  await kept.text()
  const idle = await holdIdleSockets(origin, counts.served + counts.beyond)
  const grown = (await residentBytes(child.process.pid)) - before
  const beside = await fetch(`${origin}/api/health`).then(({ status }) => status, String)
  await idle.close()
  const after = await holdIdleSockets(origin, 100)
  await after.close()
  await child.stop()
  console.log(
    `${idle.served.length} idle connections served, ${idle.refused} told 503; ${(grown / idle.served.length / 1024).toFixed(1)} KiB each`,
  )
  console.log(`beside them a client that was there before: ${beside}`)
  console.log(`after them ${after.served.length} of 100 new connections served`)
  if (idle.served.length < counts.served - 2 || after.served.length < 100) {
    process.exitCode = 1
  }
}
