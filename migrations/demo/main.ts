import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { runSeedCommand } from './command.ts'

// npm run seed [-- --links N]

loadEnvFile(process)
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error(`interrupted by ${signal}; nothing was changed`))
  })
}
process.exitCode = await runSeedCommand(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  signal: interrupted.signal,
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
})
