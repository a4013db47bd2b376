import { fileURLToPath } from 'node:url'
import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { systemRandom } from '#platform/random'
import { programs, watchedPrograms } from './children.ts'
import { importDemo } from './demo.ts'
import { startLaptop } from './laptop.ts'

// npm start: everything on one machine, what is not configured embedded. Exit code 0 after Ctrl-C, SIGTERM or SIGHUP.
// npm run dev: the same with --watch, which starts a process again when its sources change.

const root = fileURLToPath(new URL('../..', import.meta.url))
loadEnvFile(process)
const laptop = startLaptop({
  environment: process.env,
  root,
  output: { line: (text) => void process.stdout.write(`${text}\n`) },
  nodeVersion: process.version,
  clock: systemClock,
  random: systemRandom,
  programs: process.argv.includes('--watch') ? watchedPrograms : programs,
  demo: importDemo,
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => laptop.stop())
}
process.stdout.on('error', () => {}) // the terminal is gone (SIGHUP) or the pipe is closed; the stop goes on
process.on('uncaughtException', (error) => laptop.fail(error))
process.exit(await laptop.ended)
