import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startPostgres, type PostgresOptions } from '../../deploy/laptop/postgres.ts'
import { packagedBinaries, usableBinaries } from '../../deploy/laptop/postgres-binaries.ts'
import { serverIdentity } from '../../deploy/laptop/server-user.ts'
import { orphansIn } from '../../deploy/laptop/postgres-cluster.ts'
import { cleanUp, processesOf, temporaryDirectory, until } from '../support/laptop/launch.ts'
import { freePort } from '../support/servers.ts'

const settings = ['fsync=off']

describe('the embedded PostgreSQL', () => {
  let directory: string // of a cluster that all may use, whether it is there yet or not
  before(async () => {
    directory = join(await temporaryDirectory(), 'postgres')
  })
  after(cleanUp)

  it('keeps its data from one start to the next, and its password may be lost in between', async () => {
    const port = await freePort()
    const given = { password: 'first', isPasswordNew: true }
    const first = await startPostgres({ directory, port, settings, ...given })
    await query(first.url, 'create table kept ()')
    await first.stop()

    const lost = { password: 'second', isPasswordNew: true }
    const second = await startPostgres({ directory, port, settings, ...lost })
    expect(second.isNew).to.equal(false)
    await query(second.url, 'select from kept')
    await second.halt()
    expect(processesOf(directory)).to.deep.equal([])
  })

  it('stops the server that a killed starter left behind before it starts its own', async () => {
    const starter = spawn(process.execPath, [
      '--input-type=module-typescript',
      '-e',
      script(directory),
    ])
    await once(starter.stdout, 'data')
    starter.kill('SIGKILL')
    const [orphan] = orphansIn(directory)
    expect(orphan).to.be.a('number')

    const options = { directory, port: await freePort(), password: 'test', settings }
    const server = await startPostgres({ ...options, isPasswordNew: true })
    await query(server.url, 'select 1')
    expect(orphansIn(directory)).to.include(server.pid).and.not.include(orphan)
    await server.stop()
  })

  it('starts afresh where the making of a cluster was killed', async () => {
    const fresh = join(await temporaryDirectory(), 'postgres')
    const starter = spawn(process.execPath, ['--input-type=module-typescript', '-e', script(fresh)])
    await until(() => existsSync(`${fresh}.new/base`))
    starter.kill('SIGKILL')
    expect(existsSync(fresh)).to.equal(false)

    const server = await startPostgres({
      directory: fresh,
      port: await freePort(),
      password: 'test',
      settings,
    })
    expect(server.isNew).to.equal(true)
    await server.stop()
    expect(await readdir(join(fresh, '..'))).to.deep.equal(['postgres', 'postgres.log'])
  })

  it('makes no cluster among files that it does not know', async () => {
    const fresh = join(await temporaryDirectory(), 'postgres')
    await mkdir(fresh)
    await writeFile(join(fresh, 'letters.txt'), 'dear')
    const failure = await failureOf({
      directory: fresh,
      port: await freePort(),
      password: 'test',
      settings,
    })
    expect(failure).to.include('holds files but no database cluster')
    expect(await readdir(fresh)).to.deep.equal(['letters.txt'])
  })

  it('shows the last lines of its log when the server refuses to start', async () => {
    const wrong = ['fsync=off', 'max_connections=none']
    const options = { directory, port: await freePort(), password: 'test', settings: wrong }
    expect(await failureOf(options))
      .to.include(`${directory}.log ends with`)
      .and.include('max_connections')
  })
})

describe('the embedded PostgreSQL of root below a home that is closed to the user it runs as', () => {
  let closed: string
  let home: string

  before(async function () {
    if (process.geteuid?.() !== 0) {
      this.skip() // an ordinary user runs the server itself, so that no home is closed to it
    }
    closed = await mkdtemp(join(homedir(), 'tidegate-closed-'))
    await chmod(closed, 0o700)
    home = await temporaryDirectory()
  })
  after(async () => {
    await cleanUp()
    await rm(closed, { recursive: true, force: true })
  })

  it('lives elsewhere behind a link, and starts afresh when the link was deleted', async () => {
    const directory = join(closed, 'postgres')
    const options = { directory, port: await freePort(), password: 'test', settings, home }
    await (await startPostgres(options)).stop()
    expect(await realpath(directory)).to.include(home)
    const again = await startPostgres(options)
    expect(again.isNew).to.equal(false)
    await again.stop()

    await rm(directory) // what deleting DATA_DIR does
    const afresh = await startPostgres(options)
    expect(afresh.isNew).to.equal(true)
    await afresh.stop()
  })

  it('runs from a copy of its programs, library links included, made once', async () => {
    const packaged = await packagedBinaries()
    const directory = join(closed, 'native')
    await cp(packaged.directory, directory, { recursive: true, verbatimSymlinks: true })
    const identity = await serverIdentity(join(closed, 'none'))

    const used = await usableBinaries(identity, { ...packaged, directory }, home)
    expect(used).to.equal(join(home, `postgres-${packaged.version}`, 'bin'))
    const { birthtimeMs } = await stat(used)
    await usableBinaries(identity, { ...packaged, directory }, home)
    expect((await stat(used)).birthtimeMs).to.equal(birthtimeMs)
    expect(await readdir(home)).to.not.include.members([`postgres-${packaged.version}.new`])
  })
})

/** A program that starts a server, says so and stays. */
function script(directory: string): string {
  const module = new URL('../../deploy/laptop/postgres.ts', import.meta.url).href
  const support = new URL('../support/servers.ts', import.meta.url).href
  return `
    import { startPostgres } from ${JSON.stringify(module)}
    import { freePort } from ${JSON.stringify(support)}
    const options = { directory: ${JSON.stringify(directory)}, password: 'test', settings: ['fsync=off'] }
    await startPostgres({ ...options, port: await freePort() })
    console.log('started')
    setInterval(() => {}, 1000)`
}

async function failureOf(options: PostgresOptions): Promise<string> {
  try {
    await (await startPostgres(options)).stop()
  } catch (error) {
    return String(error)
  }
  return 'it started'
}

async function query(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
}
