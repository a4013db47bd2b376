import { once } from 'node:events'
import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { addTenant, openBusiness, type Business } from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { startSentry, type Sentry } from '../support/sentry.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

/** Makes a process throw past everybody when it gets SIGUSR2. */
const throws = (what: string) =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2",()=>{${what}})`)}`

describe('errors that nobody expected, where they are filed', () => {
  let business: Business
  let secretKey: string
  let sentry: Sentry
  let child: Child | undefined
  let origin: string
  const tokens: Record<string, string> = {}

  before(async () => {
    business = await openBusiness()
    secretKey = (await addTenant(business, 'harbour')).secretKey
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      tokens[role] = (await issueAdminToken(business, { name: role, role })).text
    }
  })
  after(() => business.lifecycle.stop())
  beforeEach(async () => {
    sentry = await startSentry()
  })
  afterEach(async () => {
    await child?.stop()
    await sentry.close()
  })

  async function start(environment: Readonly<Record<string, string>> = {}): Promise<Child> {
    const port = String(await freePort())
    origin = `http://127.0.0.1:${port}`
    child = await startChild('api', {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      PORT: port,
      FX_PROVIDERS: 'demo-replay',
      ENABLE_TEST_ERROR: 'true',
      SENTRY_DSN: sentry.dsn,
      SENTRY_RELEASE: '0.1.0-harbour',
      ...environment,
    })
    return child
  }

  async function fail(token: string | undefined, at = '/api/test/error') {
    const answer = await fetch(`${origin}${at}`, {
      method: 'POST',
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    })
    const body: any = await answer.json()
    return { status: answer.status, body }
  }

  it('arrive within a moment, with the release, the trace of the request and the place in the code', async () => {
    await start()
    const { status, body } = await fail(tokens['admin'])
    expect(status).to.equal(500)
    const event = await eventually(() => sentry.events[0])
    expect(event).to.include({
      level: 'error',
      release: '0.1.0-harbour',
      environment: 'development',
    })
    expect(event.contexts.trace.trace_id)
      .to.equal(body.traceId)
      .and.match(/^[\da-f]{32}$/)
    expect(event.tags).to.deep.equal({ event: 'request failed' })
    const [exception] = event.exception.values
    expect(exception).to.include({ type: 'Error', value: 'a test of the error tracker' })
    const frame = exception.stacktrace.frames.at(-1)
    expect(frame.filename).to.match(/fail-on-purpose\.ts$/)
    expect(frame.lineno).to.be.above(0)
  })

  it('fail on purpose for the role admin and nobody else, as if there were no such route', async () => {
    await start()
    const unknown = await fail(undefined, '/api/test/errors')
    for (const token of [
      undefined,
      'tg_admin_x',
      secretKey,
      tokens['viewer'],
      tokens['operator'],
    ]) {
      const { status, body } = await fail(token)
      expect(status).to.equal(404)
      expect(body.type).to.equal(unknown.body.type)
      expect(body.detail).to.equal(unknown.body.detail)
    }
    await child?.stop()
    expect(sentry.events).to.deep.equal([])
    await start({ ENABLE_TEST_ERROR: 'false' })
    expect((await fail(tokens['admin'])).status).to.equal(404)
  })

  it('go nowhere with SENTRY_ENABLED=false, and are logged', async () => {
    const silent = await start({ SENTRY_ENABLED: 'false' })
    expect((await fail(tokens['admin'])).status).to.equal(500)
    await silent.stop()
    expect(sentry.text()).to.equal('')
    expect(silent.lines.some((line) => line['msg'] === 'request failed')).to.equal(true)
  })

  const mishaps = [
    ['an error that nobody catches', 'throw new Error("unforeseen")'],
    ['a rejection that nobody handles', 'Promise.reject(new Error("unforeseen"))'],
    ['one error in two ways', 'const e = new Error("unforeseen"); Promise.reject(e); throw e'],
  ] as const
  for (const [what, code] of mishaps) {
    it(`end the process in order after exactly one event: ${what}`, async () => {
      const dying = await start({ NODE_OPTIONS: throws(code) })
      const exited = once(dying.process, 'exit')
      dying.process.kill('SIGUSR2')
      expect((await exited)[0]).to.equal(1)
      expect(dying.lines.at(-1)).to.include({ msg: 'process stopped', exitCode: 1 })
      expect(sentry.events).to.have.length(1)
      expect(sentry.events[0]).to.include({ level: 'fatal' })
      expect(sentry.events[0].exception.values[0]).to.include({ value: 'unforeseen' })
    })
  }

  it('say nothing of who asked, of what was sent, or of the machine', async () => {
    await start()
    const canary = 'kanarie'
    await business.db.run(sql`alter table payment_links rename column description to elsewhere`)
    const answer = await fetch(`${origin}/api/v2/payment-links?reference=${canary}`, {
      headers: {
        authorization: `Bearer ${secretKey}`,
        cookie: `session=${canary}`,
        'user-agent': canary,
      },
    })
    await business.db.run(sql`alter table payment_links rename column elsewhere to description`)
    expect(answer.status).to.equal(500)
    const event = await eventually(() => sentry.events[0])
    expect(event.tags).to.deep.equal({ event: 'request failed', code: '42703' })
    expect(Object.keys(event).toSorted()).to.deep.equal([
      'contexts',
      'environment',
      'event_id',
      'exception',
      'level',
      'platform',
      'release',
      'sdk',
      'tags',
      'timestamp',
    ])
    for (const secret of [canary, secretKey, business.url]) {
      expect(sentry.text()).not.to.include(secret)
    }
  })

  it('cost nothing while the error tracker is frozen: requests are answered, and the process stops within seconds', async () => {
    const frozen = await startSentry(true)
    const patient = await start({ SENTRY_DSN: frozen.dsn })
    for (let asked = 0; asked < 100; asked += 1) {
      expect((await fail(tokens['admin'])).status).to.equal(500)
    }
    expect((await patient.stop()).ms).to.be.below(6_000)
    expect(frozen.events.length).to.be.within(1, 64)
    await frozen.close()
  })
}).timeout(60_000)
