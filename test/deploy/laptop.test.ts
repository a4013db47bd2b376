import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
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
    // Root writes anywhere, except where the kernel makes the files; Node's recursive mkdir never returned there.
    const closed = process.geteuid?.() === 0 ? '/proc/none/data' : join(inTheWay, 'data')
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

async function execute(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<object>(statement)).rows
  } finally {
    await client.end()
  }
}
