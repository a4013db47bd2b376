import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { runMigrateCommand } from './command.ts'

// npm run migrate -- up|down|status|analyze

loadEnvFile(process)
process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
  // Loaded when it is asked for: what applies migrations needs no declaration, and must work when one is wrong.
  async declarations() {
    const { resources } = await import('../api/resources.ts')
    const { entities } = await import('#entities')
    return { resources, entities }
  },
})
