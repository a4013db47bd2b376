import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { systemClock } from '#platform/clock'
import { createHealth } from '#platform/health/health'
import { Problem } from '#platform/problem'
import { queueProblems } from '#platform/queue/problems'
import type { AdminRouter } from '../../admin/router.ts'
import type { AdminSlice } from '../../admin/trpc.ts'
import { adminClient, headersOf, refusalOf, startAdmin } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'

const quiet = createHealth({ version: '0.1.0', checks: [] }, { clock: systemClock })

describe('admin procedures over HTTP', () => {
  let business: Business
  let origin: string
  let tokens: Record<'viewer' | 'operator' | 'admin', string>

  before(async () => {
    business = await openBusiness()
    origin = await serve({})
    const issue = async (role: 'viewer' | 'operator' | 'admin'): Promise<string> =>
      (await issueAdminToken(business, { name: role, role })).text
    tokens = {
      viewer: await issue('viewer'),
      operator: await issue('operator'),
      admin: await issue('admin'),
    }
  })

  after(() => business.lifecycle.stop())

  const serve = (more: Partial<AdminSlice>): Promise<string> => startAdmin(business, more)
  const clientOf = (token: string | undefined, at = origin) => adminClient(at, token)
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).data?.code

  it('answers a viewer', async () => {
    const report = await clientOf(tokens.viewer).health.summary.query()
    expect(report).to.include({ status: 'healthy', version: '0.1.0' })
  })

  it('refuses every procedure without a token', async () => {
    const client = clientOf(undefined)
    const codes = await Promise.all([
      codeOf(client.health.summary.query()),
      codeOf(client.fx.rates.query({ base: 'GBP', quotes: ['EUR'] })),
      codeOf(client.fx.fetchNow.mutate()),
    ])
    expect(codes).to.deep.equal(['UNAUTHORIZED', 'UNAUTHORIZED', 'UNAUTHORIZED'])
  })

  it('refuses a token that is wrong, of another kind, expired or revoked, with the same words', async () => {
    const gone = async (column: 'expires_at' | 'revoked_at'): Promise<string> => {
      const issued = await issueAdminToken(business, { name: column, role: 'admin' })
      const past = sql`now() - interval '1 second'`
      await business.db.run(
        sql`update admin_tokens set ${sql.ref(column)} = ${past} where id = ${issued.id}`,
      )
      return issued.text
    }
    const last = tokens.admin.at(-1) === 'a' ? 'b' : 'a'
    const wrong = [
      `${tokens.admin.slice(0, -1)}${last}`,
      tokens.admin.replace('tg_at_', 'tg_sk_'),
      `tg_at_${'0'.repeat(49)}`,
      await gone('expires_at'),
      await gone('revoked_at'),
    ]
    const refusals = await Promise.all(
      wrong.map(async (token) => refusalOf(clientOf(token).health.summary.query())),
    )
    expect(refusals.map(({ data }) => data?.httpStatus)).to.deep.equal(wrong.map(() => 401))
    expect(new Set(refusals.map(({ message }) => message)).size).to.equal(1)
  })

  it('lets a viewer read and change nothing', async () => {
    const viewer = clientOf(tokens.viewer)
    expect(await viewer.fx.rates.query({ base: 'GBP', quotes: ['EUR'] })).to.deep.equal([])
    const refusal = await refusalOf(viewer.fx.fetchNow.mutate())
    expect(refusal.data?.code).to.equal('FORBIDDEN')
  })

  it('lets an operator and an admin fetch rates', async () => {
    expect(await clientOf(tokens.operator).fx.fetchNow.mutate()).to.deep.equal([])
    expect(await clientOf(tokens.admin).fx.fetchNow.mutate()).to.deep.equal([])
  })

  it('does not run a mutation that comes as GET', async () => {
    const answer = await fetch(`${origin}/trpc/fx.fetchNow`, { headers: headersOf(tokens.admin) })
    expect(answer.status).to.equal(405)
  })

  it('names what is wrong with an input', async () => {
    const refusal = await refusalOf(
      clientOf(tokens.viewer).fx.rates.query({ base: 'gbp', quotes: [] }),
    )
    expect(refusal.data?.code).to.equal('BAD_REQUEST')
    expect(JSON.stringify(refusal.data)).to.include('base').and.include('quotes')
  })

  it('refuses more than ten calls in one request', async () => {
    const call = (size: number) => {
      const paths = Array.from({ length: size }, () => 'health.summary').join(',')
      return fetch(`${origin}/trpc/${paths}?batch=1`, { headers: headersOf(tokens.viewer) })
    }
    expect((await call(10)).status).to.equal(200)
    expect((await call(11)).status).to.equal(400)
    const client = createTRPCClient<AdminRouter>({
      links: [httpBatchLink({ url: `${origin}/trpc`, headers: headersOf(tokens.viewer) })],
    })
    const both = await Promise.all([client.health.summary.query(), client.health.summary.query()])
    expect(both).to.have.length(2)
  })

  it('says which problem it was, and its kind decides the code', async () => {
    const problem = new Problem(queueProblems.unavailable, 'Redis is away', { facts: { tries: 1 } })
    const away = await serve({
      health: { ...quiet, report: () => Promise.reject(problem) },
    })
    const refusal = await refusalOf(clientOf(tokens.viewer, away).health.summary.query())
    expect(refusal.data).to.deep.include({
      code: 'SERVICE_UNAVAILABLE',
      httpStatus: 503,
      slug: 'queue/unavailable',
      detail: 'Redis is away',
      facts: { tries: 1 },
    })
  })

  it('keeps an unknown error to itself', async () => {
    const secret = 'password=hunter2'
    const broken = await serve({
      health: { ...quiet, report: () => Promise.reject(new Error(secret)) },
    })
    const answer = await fetch(`${broken}/trpc/health.summary`, {
      headers: headersOf(tokens.viewer),
    })
    const text = await answer.text()
    expect(answer.status).to.equal(500)
    expect(text).to.include('Internal server error')
    expect(text).not.to.include('hunter2').and.not.to.include('stack').and.not.to.include('.ts:')
  })

  for (const table of ['admin_tokens', 'fx_rates']) {
    it(`says that the database does not answer while ${table} is locked`, async () => {
      const em = business.db.fork()
      await em.transactional(async (locked) => {
        await locked.execute(`lock table ${table}`)
        const call = clientOf(tokens.viewer).fx.rates.query({ base: 'EUR', quotes: ['USD'] })
        const refusal = await refusalOf(call)
        expect(refusal.data?.code).to.equal('SERVICE_UNAVAILABLE')
        expect(refusal.message).to.equal('The database does not answer in time.')
      })
    })
  }

  it('answers in time, whatever a procedure waits for', async () => {
    const slow = await serve({
      deadlineMs: 50,
      health: { ...quiet, report: () => new Promise(() => {}) },
    })
    expect(await codeOf(clientOf(tokens.viewer, slow).health.summary.query())).to.equal('TIMEOUT')
  })

  it('shows its page and its health to anybody, and nothing else', async () => {
    const status = async (path: string) => (await fetch(`${origin}${path}`)).status
    expect(await status('/')).to.equal(200)
    expect(await status('/health')).to.equal(200)
    expect(await status('/health/live')).to.equal(200)
    expect(await status('/console')).to.equal(404)
    expect(await status('/trpc/none.such')).to.equal(401)
  })
})
