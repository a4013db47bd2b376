import { Client } from 'pg'
import { seedDemo } from '../../migrations/demo/seed.ts'
import { adminUrl, createDatabase } from './servers.ts'

const template = 'template_demo'

/** A new database with the whole demo business, cloned in about a second from a template that the first caller of the run
 *  pays for, in whichever process: give that `before` hook 120 s. Its rates are replayed for today. */
export async function createDemoDatabase(): Promise<string> {
  const admin = new Client({ connectionString: adminUrl() })
  await admin.connect()
  try {
    // Released with the connection. The others wait here until the template is whole.
    await admin.query('select pg_advisory_lock(1)')
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [template])
    if (rowCount === 0) {
      const url = await createDatabase()
      await seedDemo(url, { now: new Date(), report: () => {} })
      const name = new URL(url).pathname.slice(1)
      await admin.query(`alter database ${name} rename to ${template}`)
    }
  } finally {
    await admin.end()
  }
  return createDatabase(template)
}
