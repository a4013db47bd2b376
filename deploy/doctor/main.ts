import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#platform/clock'
import { Refusal, readSettings } from '../laptop/settings.ts'
import { examine, report } from './examine.ts'
import type { Finding } from './finding.ts'

// npm run doctor [-- --json]: what is wrong with this machine and how to mend it. Exit code 1 when npm start cannot run.

const root = fileURLToPath(new URL('../..', import.meta.url))
if (existsSync(join(root, '.env'))) {
  process.loadEnvFile(join(root, '.env'))
}
const findings = await look()
const isJson = process.argv.includes('--json')
const text = isJson ? JSON.stringify({ findings }, undefined, 2) : report(findings).join('\n')
process.stdout.write(`${text}\n`)
process.exitCode = findings.some(({ state }) => state === 'problem') ? 1 : 0

async function look(): Promise<readonly Finding[]> {
  try {
    const node = { version: process.version, path: process.execPath }
    const settings = readSettings(process.env, root)
    return await examine({ root, settings, clock: systemClock, node })
  } catch (error) {
    if (error instanceof Refusal) {
      return error.message
        .split('\n')
        .map((line) => ({ subject: 'settings', state: 'problem', text: line }))
    }
    throw error
  }
}
