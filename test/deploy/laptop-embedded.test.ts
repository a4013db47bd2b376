import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import {
  cleanUp,
  launch,
  processesOf,
  readJson,
  temporaryDirectory,
  until,
} from '../support/laptop/launch.ts'

describe('npm start with everything embedded', () => {
  let directory: string
  before(async () => {
    directory = await temporaryDirectory()
  })
  after(cleanUp)

  it('serves, writes demo.json for its user alone, and leaves nothing running after Ctrl-C', async () => {
    const laptop = await launch(directory)
    await laptop.untilSaid('Ctrl-C stops everything')
    const summary = await readJson(join(directory, 'demo.json'))

    expect(Object.keys(summary)).to.deep.equal(
      'apiUrl adminUrl databaseUrl redisUrl organisationId secretKey publishableKey loadKey memberToken adminToken pids'.split(
        ' ',
      ),
    )
    expect((await stat(join(directory, 'demo.json'))).mode & 0o777).to.equal(0o600)
    expect(laptop.said()).to.include(
      `curl -s -H "Authorization: Bearer ${String(summary['secretKey'])}" "${String(summary['apiUrl'])}/api/v2/payment-links?limit=2&count=exact"`,
    )
    const given = await fetch(String(summary['apiUrl']), { headers: { connection: 'close' } })
    expect(await given.json()).to.include({ DATABASE_URL: summary['databaseUrl'] })

    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('recovers after kill -9 of everything but the servers, with the same keys and the same data', async () => {
    const first = await launch(directory)
    await first.untilSaid('Ctrl-C stops everything')
    const before = await readJson(join(directory, 'demo.json'))
    await write(String(before['databaseUrl']))
    first.process.kill('SIGKILL')
    await first.exitCode
    expect(processesOf(directory)).to.not.deep.equal([])

    const second = await launch(directory)
    await second.untilSaid('Ctrl-C stops everything')
    const now = await readJson(join(directory, 'demo.json'))
    expect(now['secretKey']).to.equal(before['secretKey'])
    expect(now['databaseUrl'], 'the same port').to.equal(before['databaseUrl'])
    expect(await count(String(now['databaseUrl']))).to.equal(1)

    second.process.kill('SIGINT')
    expect(await second.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('leaves nothing running after Ctrl-C while the cluster is made, and starts next time', async () => {
    const fresh = await temporaryDirectory()
    const laptop = await launch(fresh)
    await until(() => existsSync(join(fresh, 'postgres.new')))
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(fresh)).to.deep.equal([])
    expect(existsSync(join(fresh, 'postgres'))).to.equal(false)

    const again = await launch(fresh)
    await again.untilSaid('Ctrl-C stops everything')
    again.process.kill('SIGINT')
    expect(await again.exitCode).to.equal(0)
  })

  it('leaves nothing running after Ctrl-C while the server starts', async () => {
    const laptop = await launch(directory)
    await until(() => existsSync(join(directory, 'postgres', 'postmaster.pid')))
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('interrupts the loading of the demo', async () => {
    const laptop = await launch(directory, { STAND_IN_SEED: 'endless' })
    await laptop.untilSaid('one organisation')
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })
})

async function write(url: string): Promise<void> {
  await execute(url, 'create table if not exists kept ()')
  await execute(url, 'insert into kept default values')
}

async function count(url: string): Promise<number> {
  return (await execute(url, 'select from kept')).length
}

async function execute(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<object>(statement)).rows
  } finally {
    await client.end()
  }
}
