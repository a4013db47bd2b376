import { fileURLToPath } from 'node:url'
import { systemClock } from '#platform/clock'
import { systemRandom } from '#platform/random'
import { Client } from 'pg'
import { startLaptop } from '../../../deploy/laptop/laptop.ts'
import type { Demo } from '../../../deploy/laptop/demo.ts'

// The launcher as `npm start` runs it, with stand-ins for the three processes and a demo of one organisation.
// STAND_IN_SEED=endless makes the demo take for ever, so that a test can interrupt it.

const standIn = (name: string): readonly string[] => ['test/support/laptop/stand-in.ts', name]

const demo: Demo = {
  async seedDemo(url, options) {
    options.report('one organisation')
    await run(
      url,
      `insert into organisations (name, slug, default_currency, settlement_assets)
       values ('Demo', 'demo', 'GBP', '{EUR,USD,AUD,JPY}') on conflict do nothing`,
    )
    if (process.env['STAND_IN_SEED'] === 'endless') {
      await run(url, 'select pg_sleep(1000)')
    }
  },
  async issueDemoCredentials(url) {
    const [row] = await run(url, "select id from organisations where slug = 'demo'")
    const organisationId = String(row?.['id'])
    const token = systemRandom.uuid()
    await run(
      url,
      `insert into api_keys (organisation_id, kind, name, key_hash, prefix, last_four, scopes)
       values ('${organisationId}', 'secret', 'a', sha256('${token}'), 'sk_', right('${token}', 4), '{}')`,
    )
    await run(
      url,
      `insert into admin_tokens (name, role, token_hash, last_four)
       values ('a', 'admin', sha256('${token}'), right('${token}', 4))`,
    )
    return {
      organisationId,
      secretKey: token,
      publishableKey: token,
      loadKey: token,
      memberToken: token,
      adminToken: token,
    }
  },
}

async function run(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement)
    return rows
  } finally {
    await client.end()
  }
}

const laptop = startLaptop({
  environment: process.env,
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  output: { line: (text) => void process.stdout.write(`${text}\n`) },
  nodeVersion: process.version,
  clock: systemClock,
  random: systemRandom,
  programs: { api: standIn('api'), worker: standIn('worker'), admin: standIn('admin') },
  demo: async () => demo,
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => laptop.stop())
}
process.stdout.on('error', () => {})
process.on('uncaughtException', (error) => laptop.fail(error))
process.exit(await laptop.ended)
