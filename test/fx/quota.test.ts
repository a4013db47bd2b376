import { expect } from 'chai'
import { sql } from 'kysely'
import { describeProviders, getRates, refreshCadence, refreshRates, type Fx } from '#fx'
import { spendCall } from '../../shared/fx/quota.ts'
import { fxOptions, json, openWorld, recorded, type World } from './world.ts'

const answer = json(recorded('open-exchange-rates/latest.json'))

describe('fx quota: calls that a provider allows', () => {
  let world: World
  before(async () => {
    world = await openWorld('2026-09-29T09:00:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = answer
  })
  after(() => world.close())

  /** A process of its own, whose plan allows so many calls. */
  const worker = (callsPerMonthMax: number, more: Parameters<World['fxWith']>[0] = {}): Fx => {
    const { sources } = fxOptions(world.publisher.origin)
    const openExchangeRates = { ...sources.openExchangeRates, callsPerMonthMax }
    return world.fxWith({
      providers: ['open-exchange-rates'],
      sources: { ...sources, openExchangeRates },
      askAgainMs: 0,
      ...more,
    })
  }
  const spent = async (): Promise<number> => {
    const [row] = await world.db.run(sql<{ calls: number }>`select calls from fx_quotas`)
    return row?.calls ?? 0
  }

  it('lets ten workers at once, again and again, make no more calls than it allows', async () => {
    const workers = Array.from({ length: 10 }, () => worker(7))
    for (let wave = 0; wave < 12; wave += 1) {
      await Promise.all(workers.map((fx) => refreshRates(fx)))
    }
    expect(world.publisher.calls).to.equal(7)
    expect(await spent()).to.equal(7)
    const [last] = await refreshRates(worker(7))
    expect(last).to.include({ status: 'failed', httpCalls: 0 })
    expect(last?.error).to.equal('the quota of 7 calls a month is used up')
  })

  it('gives the last calls to exactly as many as there are, of fifty who take one at the same time', async () => {
    const quota = { callsMax: 20, period: 'day' } as const
    const taken = await Promise.allSettled(
      Array.from({ length: 50 }, () => spendCall(world, 'open-exchange-rates', quota)),
    )
    expect(taken.filter(({ status }) => status === 'fulfilled')).to.have.length(20)
  })

  it('counts retries, and says of a call that was cut short how it failed', async () => {
    world.publisher.answer = (_, response) => void response.writeHead(503).end()
    const [result] = await refreshRates(worker(2))
    expect(result).to.include({ status: 'failed', httpCalls: 2 })
    expect(result?.error).to.match(/answered 503/)
    expect(world.publisher.calls).to.equal(2)
    expect(await spent()).to.equal(2)
  })

  it('asks the next provider when it is used up', async () => {
    world.publisher.answer = (request, response) =>
      (request.url?.startsWith('/currencies') === true
        ? json(recorded('currency-api/eur.2026.9.29.json'))
        : answer)(request, response)
    const providers = ['open-exchange-rates', 'currency-api'] as const
    await spendCall(world, 'open-exchange-rates', { callsMax: 1, period: 'month' })
    const results = await refreshCadence(worker(1, { providers }), 'stable', { wanted: ['GBP'] })
    expect(results.map(({ provider, status }) => [provider, status])).to.deep.equal([
      ['open-exchange-rates', 'failed'],
      ['currency-api', 'stored'],
    ])
    const [rate] = await getRates(worker(1, { providers }), [{ base: 'GBP', quote: 'USD' }])
    expect(rate).to.include({ provider: 'currency-api', isStale: false })
  })

  it('begins again with the month', async () => {
    const fx = worker(1)
    await refreshRates(fx)
    const [row] = await world.db.run(sql<{ is_month: boolean }>`
      select starts_on = date_trunc('month', now() at time zone 'UTC')::date as is_month from fx_quotas`)
    expect(row?.is_month).to.equal(true)
    expect((await refreshRates(fx))[0]).to.include({ status: 'failed' })
    await world.db.run(sql`update fx_quotas set starts_on = (starts_on - interval '1 month')::date`)
    expect((await refreshRates(fx))[0]).to.include({ httpCalls: 1 })
  })

  it('is as large as ever for a process whose clock is a month ahead', async () => {
    await refreshRates(worker(1))
    world.clock.set('2026-10-29T09:00:00Z')
    expect((await refreshRates(worker(1)))[0]).to.include({ status: 'failed', httpCalls: 0 })
    expect(world.publisher.calls).to.equal(1)
  })

  it('does not count what another process had fetched already', async () => {
    const many = Array.from({ length: 10 }, () => worker(5, { askAgainMs: 30_000 }))
    await Promise.all(many.map((fx) => getRates(fx, [{ base: 'GBP', quote: 'USD' }])))
    expect(await spent()).to.equal(1)
  })

  it('leaves a provider alone that asked for it, in every process, until the time is over', async () => {
    world.publisher.answer = (_, response) =>
      void response.writeHead(429, { 'retry-after': '3600' }).end()
    await refreshRates(worker(1000))
    const results = await Promise.all(Array.from({ length: 10 }, () => refreshRates(worker(1000))))
    for (const [result] of results) {
      expect(result).to.include({ status: 'failed', httpCalls: 0 })
      expect(result?.error).to.match(/asked for a pause.* until 2026-09-29T10:00:0/)
    }
    expect(world.publisher.calls).to.equal(1)
    const [state] = await describeProviders(worker(1000), [])
    expect(state?.circuit.retryAt).to.match(/^2026-09-29T10:00:0/)
    expect(state?.nextCallAt).to.match(/^2026-09-29T10:00:0/)
    world.publisher.answer = answer
    world.clock.set('2026-09-29T10:00:05Z')
    expect((await refreshRates(worker(1000)))[0]).to.include({ status: 'stored' })
  })

  it('is shown to operators: used, and left', async () => {
    await refreshRates(worker(40))
    const [state] = await describeProviders(worker(40), [])
    expect(state?.quota).to.deep.equal({ period: 'month', used: 1, left: 39 })
  })
})
