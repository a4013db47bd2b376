import { fileURLToPath } from 'node:url'
import { systemClock } from '#platform/clock'
import { loadEnvFile } from '#platform/config/env-file'
import { ConfigError } from '#platform/config/config-error'
import { Refusal, readSettings } from '../laptop/settings.ts'
import { examine, report } from './examine.ts'
import type { Finding } from './finding.ts'

// npm run doctor [-- --json]: what is wrong with this machine and how to mend it. Exit code 1 when npm start cannot run.

const root = fileURLToPath(new URL('../..', import.meta.url))
loadEnvFile(process)
const findings = await look()
const isJson = process.argv.includes('--json')
const text = isJson ? JSON.stringify({ findings }, undefined, 2) : report(findings).join('\n')
process.stdout.write(`${text}\n`)
process.exitCode = findings.some(({ state }) => state === 'problem') ? 1 : 0

async function look(): Promise<readonly Finding[]> {
  try {
    const node = { version: process.version, path: process.execPath }
    const settings = readSettings(process.env, root)
    return await examine({ root, settings, environment: process.env, clock: systemClock, node })
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.faults.map(({ names, problem, fix }) => ({
        subject: 'settings',
        state: 'problem',
        text: `${names.join(' and ')} ${problem}`,
        fix,
      }))
    }
    if (error instanceof Refusal) {
      return [{ subject: 'settings', state: 'problem', text: error.message }]
    }
    throw error
  }
}
