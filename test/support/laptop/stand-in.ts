import { createServer } from 'node:http'

// Stands in for api, worker and admin: keeps their contract with the launcher and says on its port what it was given.
// STAND_IN=NAME:MANNER,… changes the manners of some: `mute` never says that it serves, `stubborn` ignores SIGTERM,
// `broken` ends at once with a word on standard error.

const name = process.argv[2] ?? ''
const ports: Record<string, string | undefined> = {
  api: process.env['PORT'],
  worker: process.env['WORKER_PORT'],
  admin: process.env['ADMIN_PORT'],
}
const manners = (process.env['STAND_IN'] ?? '')
  .split(',')
  .filter((pair) => pair.startsWith(`${name}:`))
  .map((pair) => pair.slice(name.length + 1))

if (manners.includes('broken')) {
  console.error(`${name} has a fault of its own`)
  process.exit(1)
}
const given = ['DATABASE_URL', 'REDIS_URL', 'CURSOR_KEYS'].map((key) => [key, process.env[key]])
const server = createServer((_, response) =>
  response.end(JSON.stringify(Object.fromEntries(given))),
)
server.listen(Number(ports[name]), '127.0.0.1', () => {
  if (!manners.includes('mute')) {
    process.send?.({ type: 'ready' })
  }
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => {
  if (!manners.includes('stubborn')) {
    process.exit(0)
  }
})
