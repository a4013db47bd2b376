import { expect } from 'chai'
import { eventually } from '../../platform/queue/fixture.ts'
import { startChild, type Child } from '../../support/child.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { holdIdleSockets, residentBytes } from '../../support/idle-sockets.ts'
import { openRaw, statusesIn } from '../../support/raw-socket.ts'
import { createDatabase, freePort } from '../../support/servers.ts'

// H15: many connections. 10,000 of them: npm run bench -- idle-sockets.

const connectionsMax = 40

describe('an API with more connections than it serves', () => {
  let harbour: Harbour
  before(async () => {
    harbour = await openHarbour({ clientLimits: { connectionsMax } })
  })
  after(() => harbour.business.lifecycle.stop())

  const emptied = () =>
    eventually(async () => ((await harbour.api.openSockets()) <= 1 ? true : undefined))

  it('refuses those beyond with 503 at once, and serves again when others are gone', async () => {
    await emptied()
    const full = await holdIdleSockets(harbour.api.origin, connectionsMax + 60)
    expect(full.refused).to.be.within(60, 61)
    const late = await openRaw(harbour.api.origin)
    await late.closed
    const [head = '', body = ''] = late.text().split('\r\n\r\n')
    expect(head).to.match(/^HTTP\/1\.1 503 /)
    expect(head).to.match(/^Retry-After: 5$/m)
    expect(head).to.match(/^Connection: close$/m)
    expect(JSON.parse(body)).to.include({ status: 503, retryable: true })
    await full.close()
    await emptied()
    const again = await holdIdleSockets(harbour.api.origin, 10)
    expect([again.served.length, again.refused]).to.deep.equal([10, 0])
    await again.close()
  })

  it('never serves what a refused connection asks for', async () => {
    await emptied()
    const full = await holdIdleSockets(harbour.api.origin, connectionsMax)
    const { secretKey } = harbour.tenant
    const late = await openRaw(
      harbour.api.origin,
      `GET /api/v2/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secretKey}\r\n\r\n`.repeat(9),
    )
    await late.closed
    expect(statusesIn(late.text())).to.deep.equal([503])
    await full.close()
  })

  it('keeps nothing of 1,000 connections that come and go', async () => {
    await emptied()
    for (let round = 0; round < 50; round += 1) {
      const some = await Promise.all(
        Array.from({ length: 20 }, () => openRaw(harbour.api.origin, round % 2 ? 'GET /' : '')),
      )
      some.forEach(({ socket }, index) => (index % 2 ? socket.destroy() : socket.resetAndDestroy()))
    }
    await emptied()
    expect((await harbour.api.call('GET', '/api/v2/me')).status).to.equal(401)
  })
})

describe('an API process with idle connections', () => {
  let child: Child | undefined
  after(() => child?.stop())

  it('answers while 1,000 of them are open, each of which costs little', async () => {
    const port = await freePort()
    child = await startChild('api', {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      PORT: String(port),
    })
    const origin = `http://127.0.0.1:${port}`
    const warm = await holdIdleSockets(origin, 200)
    await warm.close()
    const before = await residentBytes(child.process.pid)
    const idle = await holdIdleSockets(origin, 1_000)
    expect([idle.served.length, idle.refused]).to.deep.equal([1_000, 0])
    expect((await fetch(`${origin}/api/health`)).status).to.equal(200)
    const bytesEach = ((await residentBytes(child.process.pid)) - before) / 1_000
    console.log(`      ${(bytesEach / 1024).toFixed(1)} KiB for each idle connection`)
    expect(bytesEach).to.be.lessThan(65_536)
    await idle.close()
    const next = await holdIdleSockets(origin, 50)
    expect(next.served).to.have.length(50)
    await next.close()
  })
})
