import { expect } from 'chai'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { startChild, type Child } from '../support/child.ts'
import { createDatabase, freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { receive } from '../support/wire.ts'

describe('several processes of the API on one port', () => {
  let child: Child
  let origin: string
  before(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    child = await startChild('api', {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      FX_PROVIDERS: 'demo-replay',
      PORT: String(port),
      API_PROCESSES: '2',
    })
  })
  after(() => child.stop())

  const told = () => child.lines.map(({ msg }) => msg)
  const served = (): number[] =>
    child.lines.filter(({ msg }) => msg === 'process ready').map(({ pid }) => Number(pid))

  it('are ready together', async () => {
    await eventually(() => told().includes('all processes ready') || undefined)
    await eventually(() => new Set(served()).size === 2 || undefined)
  })

  it('answer on while one of them is killed, and are two again afterwards', async () => {
    const [first = 0] = served()
    process.kill(first, 'SIGKILL')
    await eventually(() => told().includes('a process ended; it is started again') || undefined)
    for (let turn = 0; turn < 10; turn += 1) {
      const { status } = await receive(`${origin}/api/v2/me`, {})
      expect(status).to.equal(401)
    }
    await eventually(() => served().length === 3 || undefined)
  })

  it('stop together, with exit code 0', async () => {
    const pids = served().slice(1)
    const { code } = await child.stop()
    expect(code).to.equal(0)
    for (const pid of pids) {
      expect(() => process.kill(pid, 0)).to.throw('ESRCH')
    }
  })

  it('do not start when one cannot', async () => {
    const failure = await startChild('api', {
      DATABASE_URL: await createDatabase('template0'),
      REDIS_URL: '',
      FX_PROVIDERS: 'demo-replay',
      PORT: String(await freePort()),
      API_PROCESSES: '2',
    }).catch((error: unknown) => error)
    expect(String(failure)).to.include('run npm run migrate -- up')
  })

  it('say that their port is taken, even by others that would share it', async () => {
    const taken = createServer().listen({ host: '127.0.0.1', port: 0, reusePort: true })
    await once(taken, 'listening')
    const address = taken.address()
    const failure = await startChild('api', {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      FX_PROVIDERS: 'demo-replay',
      PORT: String(typeof address === 'object' && address ? address.port : 0),
      API_PROCESSES: '2',
    }).catch((error: unknown) => error)
    taken.close()
    expect(String(failure)).to.include('choose another port')
  })
})
