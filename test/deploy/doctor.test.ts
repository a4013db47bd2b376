import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { cleanUp, launch, temporaryDirectory } from '../support/laptop/launch.ts'
import { childEnvironment } from '../support/run-directory.ts'
import { createDatabase, freePort, redisUrl } from '../support/servers.ts'

type Finding = { subject: string; state: string; text: string; fix?: string }

describe('npm run doctor', () => {
  after(cleanUp)

  it('finds nothing that prevents a start on the machine that runs these tests, and makes nothing', async () => {
    const directory = join(await temporaryDirectory(), 'data')
    const { code, findings } = await doctor(await settings(directory))
    expect(findings.filter(({ state }) => state === 'problem')).to.deep.equal([])
    expect(code).to.equal(0)
    expect([...new Set(findings.map(({ subject }) => subject))]).to.deep.equal(
      'settings,Node,PostgreSQL,Redis,DATA_DIR,disk,instance,ports,memory,clock,curl'.split(','),
    )
    expect(existsSync(directory)).to.equal(false)
  })

  it('names what prevents a start, each with what mends it, and exits with 1', async () => {
    const holder = createServer().listen(await freePort(), '127.0.0.1')
    await once(holder, 'listening')
    const address = holder.address()
    const taken = typeof address === 'object' ? String(address?.port) : ''
    const nobody = await freePort()
    try {
      const { code, findings } = await doctor({
        ...(await settings('/proc/version/data')),
        PORT: taken,
        DATABASE_URL: `postgresql://me:secret@127.0.0.1:${nobody}/none`,
        REDIS_URL: `redis://127.0.0.1:${nobody}`,
      })
      const problems = findings.filter(({ state }) => state === 'problem')
      expect(code).to.equal(1)
      expect(problems.map(({ subject }) => subject)).to.include.members(
        'PostgreSQL,Redis,DATA_DIR,ports'.split(','),
      )
      expect(problems.every(({ fix }) => fix !== undefined)).to.equal(true)
      expect(JSON.stringify(problems))
        .to.include(`process ${process.pid}`)
        .and.not.include('secret')
    } finally {
      holder.close()
    }
  })

  it('asks a given PostgreSQL for its version and what is in it', async () => {
    const { findings } = await doctor({
      ...(await settings(await temporaryDirectory())),
      DATABASE_URL: await createDatabase(),
    })
    const database = findings.find(({ subject }) => subject === 'PostgreSQL')
    expect(database).to.include({ state: 'ok' })
    expect(database?.text).to.match(/version 1[5-9]\.\d+, a Tidegate demo/)
  })

  it('asks a given Redis for its version and its eviction policy', async function () {
    const url = redisUrl()
    if (url === undefined) {
      this.skip() // no Redis binary on this machine
    }
    const given = { ...(await settings(await temporaryDirectory())), REDIS_URL: url }
    const { findings } = await doctor(given)
    const redis = findings.filter(({ subject }) => subject === 'Redis')
    expect(redis).to.have.lengthOf(1)
    expect(redis[0]).to.include({ state: 'ok' })
    expect(redis[0]?.text).to.match(/version \d+\.\d+/)
  })

  it('tells a running instance from one that was killed', async () => {
    const directory = await temporaryDirectory()
    const environment = { DATABASE_URL: await createDatabase(), REDIS_URL: '' }
    const laptop = await launch(directory, environment)
    await laptop.untilSaid('Ctrl-C stops everything')
    const during = await doctor(await settings(directory))
    expect(instanceOf(during.findings)).to.include(`process ${laptop.process.pid} runs Tidegate`)

    laptop.process.kill('SIGINT')
    await laptop.exitCode
    const afterwards = await doctor(await settings(directory))
    expect(instanceOf(afterwards.findings)).to.equal('none runs')
  })
})

function instanceOf(findings: readonly Finding[]): string | undefined {
  return findings.find(({ subject }) => subject === 'instance')?.text
}

async function settings(directory: string): Promise<Record<string, string>> {
  const [api, worker, admin] = await Promise.all([freePort(), freePort(), freePort()])
  return {
    DATA_DIR: directory,
    PORT: String(api),
    WORKER_PORT: String(worker),
    ADMIN_PORT: String(admin),
  }
}

async function doctor(
  environment: Record<string, string>,
): Promise<{ code: unknown; findings: Finding[] }> {
  const child = spawn(process.execPath, ['deploy/doctor/main.ts', '--json'], {
    env: { ...childEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code]: unknown[] = await once(child, 'close')
  const { findings } = JSON.parse(said) as { findings: Finding[] }
  return { code, findings }
}
