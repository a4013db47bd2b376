import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { systemClock, type Clock } from '#platform/clock'
import { openReserve } from '#platform/database/reserve'
import type { Check } from '#platform/health/check'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { createTestClock } from '../../support/clock.ts'
import { createDatabase, freePort } from '../../support/servers.ts'

type Run = Check['run']
const works: Run = async () => ({ state: 'pass' })
const fails: Run = () => Promise.reject(new Error('down'))
const check = (name: string, isVital: boolean, run: Run): Check => ({
  name,
  isVital,
  isService: true,
  budgetMs: 80,
  run,
})
const open = (checks: readonly Check[], clock: Clock = systemClock) =>
  createHealth(
    { version: '1', checks, memory: () => ({ usedBytes: 150, totalBytes: 200 }) },
    { clock },
  )

describe('health over HTTP and on the reserve', () => {
  it('asks the database on a connection of its own, and notices when nothing listens', async () => {
    const lifecycle = createLifecycle(createLog('test', 'silent'))
    const url = await createDatabase()
    const reserve = openReserve({ url, applicationName: 'test', reserveMax: 2 }, { lifecycle })
    await reserve.ping()
    await reserve.ping()
    const nowhere = `postgresql://x:y@127.0.0.1:${await freePort()}/x`
    const failure = await openReserve(
      { url: nowhere, applicationName: 'test', reserveMax: 2 },
      { lifecycle },
    )
      .ping()
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(Error)
    await lifecycle.stop()
  })

  describe('over HTTP', () => {
    let server: Server
    let origin: string
    let broken = false
    const clock = createTestClock()
    const health = open([check('database', true, () => (broken ? fails() : works()))], clock)

    before(async () => {
      const handler = healthHandler(health, { healthyWord: 'ok' })
      server = createServer((request, response) =>
        handler(request, response, () => response.writeHead(404).end()),
      )
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    })
    after(() => server.close())

    it('answers on every path, with and without /api', async () => {
      for (const path of ['/health', '/api/health', '/api/health?verbose']) {
        const response = await fetch(`${origin}${path}`)
        const body: any = await response.json()
        expect([response.status, body.status, body.services.database.healthy]).to.deep.equal([
          200,
          'ok',
          true,
        ])
      }
      expect((await fetch(`${origin}/healthy`)).status).to.equal(404)
      expect((await fetch(`${origin}/health`, { method: 'POST' })).status).to.equal(405)
      expect(await (await fetch(`${origin}/api/health/live`)).json()).to.deep.equal({
        status: 'ok',
      })
    })

    it('is ready only while it serves', async () => {
      const ready = async () => (await fetch(`${origin}/api/health/ready`)).status
      expect(await ready()).to.equal(503)
      health.enter('ready')
      expect(await ready()).to.equal(200)
      health.enter('draining')
      expect(await ready()).to.equal(503)
    })

    it('is alive without its database, and says 503 about its health', async () => {
      broken = true
      await clock.advance(2_000)
      expect((await fetch(`${origin}/health`)).status).to.equal(503)
      expect((await fetch(`${origin}/health/live`)).status).to.equal(200)
    })

    it('says 503 when it cannot even say how it is', async () => {
      const inside = { database: () => Reflect.get(Object(undefined), 'pool').max }
      const unable = createHealth({ version: '1', checks: [], inside }, { clock })
      const handler = healthHandler(unable, { isOperator: () => true })
      const one = createServer((request, response) => handler(request, response, () => {}))
      one.listen(0, '127.0.0.1')
      await once(one, 'listening')
      const address = one.address()
      const at = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
      expect((await fetch(`${at}/health/detailed`)).status).to.equal(503)
      one.close()
    })
  })
})
