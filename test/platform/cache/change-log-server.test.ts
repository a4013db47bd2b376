import { join } from 'node:path'
import { expect } from 'chai'
import { Client } from 'pg'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { startPostgres, type Postgres } from '../../../deploy/laptop/postgres.ts'
import { cleanUp, temporaryDirectory } from '../../support/laptop/launch.ts'
import { freePort } from '../../support/servers.ts'

const addAsset = `insert into assets (code, kind, exponent, name, is_active, staleness_seconds_max)
                  values ('XTS', 'fiat', 2, 'Test', true, 60)`
const count = `select (select count(*) from change_log)::int as changes, (select count(*) from cache_epoch)::int as epochs,
                      (select count(*) from assets where code = 'XTS')::int as assets`

describe('the change log on a server of its own', () => {
  let directory: string
  let postgres: Postgres
  let client: Client
  before(async function () {
    this.timeout(60_000)
    directory = await temporaryDirectory()
    await start()
    await migrateUp(postgres.url, migrations)
  })
  after(async () => {
    await client.end()
    await postgres.stop()
    await cleanUp()
  })

  async function start(): Promise<void> {
    postgres = await startPostgres({
      directory: join(directory, 'postgres'),
      port: await freePort(),
      password: 'test',
      settings: ['fsync=off', 'max_prepared_transactions=5'],
    })
    client = new Client({ connectionString: postgres.url })
    client.on('error', () => undefined)
    await client.connect()
  }
  const counts = async () => (await client.query(count)).rows[0]

  it('lets transactions be prepared, and tells of them when they commit', async () => {
    await client.query('truncate change_log')
    await client.query(`begin; ${addAsset}; prepare transaction 'far'`)
    expect((await counts()).changes).to.equal(0)
    await client.query(`commit prepared 'far'`)
    expect(await counts()).to.deep.equal({ changes: 1, epochs: 1, assets: 1 })
  })

  it('is empty after a crash, its epoch with it, and what was committed is not', async () => {
    await postgres.halt()
    await client.end().catch(() => undefined)
    await start()
    expect(await counts()).to.deep.equal({ changes: 0, epochs: 0, assets: 1 })
    await client.query(`delete from assets where code = 'XTS'`)
    expect(await counts()).to.deep.equal({ changes: 1, epochs: 0, assets: 0 })
    await client.query('select rotate_cache_epoch()')
    expect((await counts()).epochs).to.equal(1)
  })
})
