import { expect } from 'chai'
import type { RequestListener } from 'node:http'
import { getRates, refreshCadence, refreshRates } from '#fx'
import { json, openWorld, recorded, xml, type World } from './world.ts'

const latest: { rates: Record<string, number> } = JSON.parse(
  recorded('open-exchange-rates/latest.json'),
)

/** Answers `symbols=` as the keyed form does: with these rates and no others. */
const keyed: RequestListener = (request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost')
  const symbols = searchParams.get('symbols')?.split(',') ?? Object.keys(latest.rates)
  const rates = Object.fromEntries(symbols.map((code) => [code, latest.rates[code]]))
  json(JSON.stringify({ ...latest, rates }))(request, response)
}

describe('fx with ENABLE_FX_BATCH=false: the way back', () => {
  let world: World
  before(async () => {
    world = await openWorld('2026-09-29T18:00:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = keyed
  })
  after(() => world.close())

  const single = (...providers: ('ecb' | 'currency-api' | 'open-exchange-rates')[]) =>
    world.fxWith({ providers, isBatchEnabled: false })

  it('makes one call for each pair, and asks for that one alone where the publisher can be asked so', async () => {
    const asked: string[] = []
    world.publisher.answer = (request, response) => {
      asked.push(new URL(request.url ?? '', 'http://localhost').searchParams.get('symbols') ?? '')
      keyed(request, response)
    }
    const wanted = ['USD', 'GBP', 'JPY', 'AUD', 'EUR']
    const [result] = await refreshCadence(single('open-exchange-rates'), 'stable', { wanted })
    expect(result).to.include({ status: 'stored', stored: 4, httpCalls: 4 })
    expect(asked.toSorted()).to.deep.equal(['AUD', 'EUR', 'GBP', 'JPY'])
    expect(await world.rates()).to.have.length(4)
  })

  it('fetches the whole file for each pair where there is nothing else, and keeps the one', async () => {
    world.publisher.answer = xml(
      recorded('ecb/eurofxref-daily.2025-05-09.xml').replace('2025-05-09', '2026-09-29'),
    )
    const wanted = ['USD', 'GBP', 'JPY']
    const [result] = await refreshCadence(single('ecb'), 'stable', { wanted })
    expect(result).to.include({ status: 'stored', stored: 3, httpCalls: 3 })
    expect(world.publisher.calls).to.equal(3)
    expect((await world.rates()).map(({ quote }) => quote)).to.deep.equal(['GBP', 'JPY', 'USD'])
  })

  it('gives the same rates as a batch', async () => {
    const pairs = ['EUR', 'USD', 'AUD', 'JPY'].map((quote) => ({ base: 'GBP', quote }))
    const strip = (rates: Awaited<ReturnType<typeof getRates>>) =>
      rates.map(({ quote, rate, provider, asOf }) => ({ quote, rate, provider, asOf }))
    const one = strip(await getRates(single('open-exchange-rates'), pairs))
    expect(world.publisher.calls).to.equal(4)
    await world.reset()
    const batch = strip(await getRates(world.fxWith({ providers: ['open-exchange-rates'] }), pairs))
    expect(world.publisher.calls).to.equal(1)
    expect(one).to.deep.equal(batch)
  })

  it('does not ask twice for a pair that ten processes want at once, nor again before its time', async () => {
    const pairs = [{ base: 'USD', quote: 'GBP' }]
    await Promise.all(
      Array.from({ length: 10 }, () => getRates(single('open-exchange-rates'), pairs)),
    )
    expect(world.publisher.calls).to.equal(1)
    await refreshCadence(single('open-exchange-rates'), 'stable', { wanted: ['GBP', 'USD'] })
    expect(world.publisher.calls).to.equal(2)
    await refreshCadence(single('open-exchange-rates'), 'stable', { wanted: ['GBP', 'USD'] })
    expect(world.publisher.calls).to.equal(2)
  })

  it('ends with the first call that fails', async () => {
    world.publisher.answer = (_, response) => void response.writeHead(404).end()
    const [result] = await refreshRates(single('ecb'), { wanted: ['GBP', 'JPY', 'AUD'] })
    expect(result).to.include({ status: 'failed', httpCalls: 1 })
    expect(world.publisher.calls).to.equal(1)
  })
})
