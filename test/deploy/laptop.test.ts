import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { chmod, mkdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from 'pg'
import { createDatabase, freePort } from '../support/servers.ts'
import {
  cleanUp,
  launch,
  processesOf,
  readJson,
  temporaryDirectory,
  until,
} from '../support/laptop/launch.ts'

describe('npm start with everything embedded', () => {
  after(cleanUp)

  it('serves, writes demo.json for its user alone, and leaves nothing running after Ctrl-C', async () => {
    const directory = await temporaryDirectory()
    const laptop = await launch(directory)
    await laptop.untilSaid('Ctrl-C stops everything')
    const summary = await readJson(join(directory, 'demo.json'))

    expect(Object.keys(summary)).to.deep.equal(
      'apiUrl adminUrl databaseUrl redisUrl organisationId secretKey publishableKey memberToken adminToken pids'.split(
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
    const directory = await temporaryDirectory()
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
    expect(await count(String(now['databaseUrl']))).to.equal(1)

    second.process.kill('SIGINT')
    expect(await second.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('leaves nothing running after Ctrl-C while the cluster is made, and starts next time', async () => {
    const directory = await temporaryDirectory()
    const laptop = await launch(directory)
    await until(() => existsSync(join(directory, 'postgres.new')))
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
    expect(existsSync(join(directory, 'postgres'))).to.equal(false)

    const again = await launch(directory)
    await again.untilSaid('Ctrl-C stops everything')
    again.process.kill('SIGINT')
    expect(await again.exitCode).to.equal(0)
  })

  it('leaves nothing running after Ctrl-C while the server starts', async () => {
    const directory = await temporaryDirectory()
    const laptop = await launch(directory)
    await until(() => existsSync(join(directory, 'logs', 'postgres.log')))
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('interrupts the loading of the demo', async () => {
    const directory = await temporaryDirectory()
    const laptop = await launch(directory, { STAND_IN_SEED: 'endless' })
    await laptop.untilSaid('one organisation')
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })
})

describe('npm start on a database that is given', () => {
  after(cleanUp)

  it('interrupts processes that do not serve yet', async () => {
    const directory = await temporaryDirectory()
    const database = await createDatabase()
    const environment = { DATABASE_URL: database, REDIS_URL: '', STAND_IN: 'worker:mute' }
    const laptop = await launch(directory, environment)
    await until(() => processesOf(directory).length === 4)
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('kills a process that does not stop when asked again, and takes the echo of a Ctrl-C for none', async () => {
    const directory = await temporaryDirectory()
    const database = await createDatabase()
    const environment = { DATABASE_URL: database, REDIS_URL: '', STAND_IN: 'api:stubborn' }
    const laptop = await launch(directory, environment)
    await laptop.untilSaid('Ctrl-C stops everything')
    laptop.process.kill('SIGINT')
    laptop.process.kill('SIGINT')
    await laptop.untilSaid('Stopping')
    const askedAt = performance.now()
    await until(() => laptop.process.kill('SIGINT') && laptop.said().includes('Hurrying'))
    expect(performance.now() - askedAt).to.be.greaterThan(300)
    expect(await laptop.exitCode).to.equal(0)
    expect(performance.now() - askedAt).to.be.lessThan(3500) // patience alone would take 4 s
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('leaves nothing behind when it is killed itself', async () => {
    const directory = await temporaryDirectory()
    const laptop = await launch(directory, { DATABASE_URL: await createDatabase(), REDIS_URL: '' })
    await laptop.untilSaid('Ctrl-C stops everything')
    laptop.process.kill('SIGKILL')
    await until(() => processesOf(directory).length === 0)
  })

  it('shows the last words of a process that ends, stops the others and exits with 1', async () => {
    const directory = await temporaryDirectory()
    const environment = { REDIS_URL: '', STAND_IN: 'admin:broken' }
    const laptop = await launch(directory, { ...environment, DATABASE_URL: await createDatabase() })
    expect(await laptop.exitCode).to.equal(1)
    expect(laptop.said()).to.include('the admin process ended (exit code 1)')
    expect(laptop.said()).to.include('admin has a fault of its own')
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('loads no demo among organisations that are not the demo', async () => {
    const directory = await temporaryDirectory()
    const database = await createDatabase()
    await execute(
      database,
      `insert into organisations (name, slug, default_currency, settlement_assets)
       values ('Mine', 'mine', 'EUR', '{EUR,USD,AUD,JPY}')`,
    )
    const laptop = await launch(directory, { DATABASE_URL: database, REDIS_URL: '' })
    await laptop.untilSaid('Ctrl-C stops everything')
    laptop.process.kill('SIGINT')
    await laptop.exitCode
    expect(await readJson(join(directory, 'demo.json'))).to.include({
      organisationId: null,
      secretKey: null,
      redisUrl: null,
    })
    expect(await execute(database, 'select slug from organisations')).to.deep.equal([
      { slug: 'mine' },
    ])
  })

  it('adds nothing of its own in production', async () => {
    const directory = await temporaryDirectory()
    const database = await createDatabase()
    const cursorKeys = `k1:${Buffer.alloc(32, 7).toString('base64url')}`
    const laptop = await launch(directory, {
      NODE_ENV: 'production',
      DATABASE_URL: database,
      REDIS_URL: '',
      CURSOR_KEYS: cursorKeys,
      BASE_URL: 'https://api.example.com',
    })
    await laptop.untilSaid('Ctrl-C stops everything')
    const summary = await readJson(join(directory, 'demo.json'))
    const answer = await fetch(String(summary['apiUrl']), { headers: { connection: 'close' } })
    expect(await answer.json()).to.deep.equal({
      DATABASE_URL: database,
      REDIS_URL: '',
      CURSOR_KEYS: cursorKeys,
    })
    laptop.process.kill('SIGINT')
    expect(await laptop.exitCode).to.equal(0)
    expect(summary['secretKey']).to.equal(null)
    expect(await execute(database, 'select from organisations')).to.deep.equal([])
  })

  it('refuses a database of something else, untouched', async () => {
    const directory = await temporaryDirectory()
    const database = await createDatabase('template0')
    await execute(database, 'create table theirs ()')
    const laptop = await launch(directory, { DATABASE_URL: database, REDIS_URL: '' })
    expect(await laptop.exitCode).to.equal(1)
    expect(laptop.said()).to.include("tables that are not Tidegate's")
    expect(
      await execute(database, "select tablename from pg_tables where schemaname = 'public'"),
    ).to.deep.equal([{ tablename: 'theirs' }])
  })
})

describe('npm start where it cannot', () => {
  after(cleanUp)

  it('names the process that runs on the same directory already, and exits with 1', async () => {
    const directory = await temporaryDirectory()
    const environment = { DATABASE_URL: await createDatabase(), REDIS_URL: '' }
    const first = await launch(directory, environment)
    await first.untilSaid('Ctrl-C stops everything')
    const second = await launch(directory, environment)
    expect(await second.exitCode).to.equal(1)
    expect(second.said()).to.include(`Process ${first.process.pid} already runs Tidegate`)
    expect(existsSync(join(directory, 'demo.json')), 'the first keeps its demo.json').to.equal(true)
  })

  it('names each port that is taken, the process that has it and the variable', async () => {
    const port = await freePort()
    const holder = createServer().listen(port, '127.0.0.1')
    await once(holder, 'listening')
    try {
      const laptop = await launch(await temporaryDirectory(), { ADMIN_PORT: String(port) })
      expect(await laptop.exitCode).to.equal(1)
      expect(laptop.said())
        .to.include(`port ${port} (admin) is used by process ${process.pid}`)
        .and.include(`choose another: ADMIN_PORT=`)
    } finally {
      holder.close()
    }
  })

  it('says which directory cannot be written and what to do', async () => {
    const directory = await temporaryDirectory()
    const inTheWay = join(directory, 'closed')
    await mkdir(inTheWay)
    await chmod(inTheWay, 0o555)
    // Root writes anywhere, except below a file.
    const closed = process.geteuid?.() === 0 ? '/proc/version/data' : join(inTheWay, 'data')
    const laptop = await launch(closed)
    expect(await laptop.exitCode).to.equal(1)
    expect(laptop.said())
      .to.include(`the data directory ${closed} cannot be written`)
      .and.include('DATA_DIR=/path/to/directory npm start')
  })

  it('names every missing setting of production, and embeds nothing', async () => {
    const directory = join(await temporaryDirectory(), 'data')
    const laptop = await launch(directory, { NODE_ENV: 'production' })
    expect(await laptop.exitCode).to.equal(1)
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'CURSOR_KEYS', 'BASE_URL']) {
      expect(laptop.said()).to.include(`${name} is not set`)
    }
    expect(existsSync(directory)).to.equal(false)
  })
})

async function write(url: string): Promise<void> {
  await execute(url, 'create table kept ()')
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
