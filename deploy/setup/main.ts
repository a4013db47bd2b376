import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { systemRandom } from '#platform/random'
import { runSetupCommand } from './command.ts'

// npm run setup -- --name NAME --slug SLUG --currency CODE | rotate

loadEnvFile(process)
process.exitCode = await runSetupCommand(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  random: systemRandom,
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
})
