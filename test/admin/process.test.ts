import { expect } from 'chai'
import { startChild } from '../support/child.ts'
import { createDatabase, freePort } from '../support/servers.ts'

describe('admin process', () => {
  it('starts, says that it is ready to serve, and stops cleanly', async () => {
    const port = await freePort()
    const child = await startChild('admin', {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      ADMIN_PORT: String(port),
    })
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`)
    expect(ready.status).to.equal(200)
    const refused = await fetch(`http://127.0.0.1:${port}/trpc/health.summary`)
    expect(refused.status).to.equal(401)
    const stopped = await child.stop()
    expect(stopped.code).to.equal(0)
  })
}).timeout(60_000)
