import { expect } from 'chai'
import { parseEcb } from '../../shared/fx/providers/ecb.ts'
import { parseCurrencyApi } from '../../shared/fx/providers/currency-api.ts'
import { parseOpenExchangeRates } from '../../shared/fx/providers/open-exchange-rates.ts'
import { backfillRates, refreshRates } from '#fx'
import { json, openWorld, recorded, xml, type World } from './world.ts'

describe('fx providers: documents as they are really served', () => {
  it('reads the daily file of the ECB, padded digits and all', () => {
    const [day, ...others] = parseEcb(recorded('ecb/eurofxref-daily.2018-06-11.xml'))
    expect(others).to.deep.equal([])
    expect(day?.asOf.toISOString()).to.equal('2018-06-11T00:00:00.000Z')
    expect(day?.rates).to.have.length(32)
    expect(day?.rates).to.deep.include(['USD', '1.1790'])
    expect(day?.rates).to.deep.include(['IDR', '16477.11'])
  })

  it('reads the same day from the 90-day file, which writes it differently', () => {
    const days = parseEcb(recorded('ecb/eurofxref-hist-90d.2018-06-11.xml'))
    const dates = days.map(({ asOf }) => asOf.toISOString())
    expect(dates).to.deep.equal(dates.toSorted())
    expect(dates).to.have.length.above(55)
    const [daily] = parseEcb(recorded('ecb/eurofxref-daily.2018-06-11.xml'))
    const asNumbers = (rates: readonly (readonly [string, string])[] = []) =>
      rates.map(([asset, rate]) => [asset, Number(rate)])
    expect(asNumbers(days.at(-1)?.rates)).to.deep.equal(asNumbers(daily?.rates))
    expect(days.at(-1)?.rates).to.deep.include(['USD', '1.179'])
  })

  it('reads a day of currency-api digit by digit, tokens included', () => {
    const { asOf, rates } = parseCurrencyApi(recorded('currency-api/eur.2026.9.29.json'), 'EUR')
    expect(asOf.toISOString()).to.equal('2026-09-29T00:00:00.000Z')
    expect(rates).to.deep.include(['HBAR', '9.53186603'])
    expect(rates.map(([asset]) => asset)).to.not.include('EUR')
    expect(rates).to.have.length.above(300)
  })

  it('reads an answer in the Open Exchange Rates form without losing trailing zeros', () => {
    const { asOf, rates } = parseOpenExchangeRates(recorded('open-exchange-rates/latest.json'))
    expect(asOf.toISOString()).to.equal('2026-09-29T00:00:00.000Z')
    expect(rates).to.deep.include(['JPY', '157.47310000'])
    expect(rates.map(([asset]) => asset)).to.not.include('USD')
  })
})

describe('fx providers: from the wire to the table', () => {
  let world: World
  before(async () => {
    world = await openWorld('2025-05-09T15:30:00Z')
  })
  beforeEach(() => world.reset())
  after(() => world.close())

  it('stores the ECB day as published', async () => {
    world.publisher.answer = xml(recorded('ecb/eurofxref-daily.2025-05-09.xml'))
    const [result] = await refreshRates(world.fx)
    expect(result).to.include({ provider: 'ecb', status: 'stored', stored: 30, httpCalls: 1 })
    const rates = await world.rates()
    expect(rates).to.have.length(30)
    expect(rates.find(({ quote }) => quote === 'SEK')).to.include({
      base: 'EUR',
      rate: '10.9200',
      day: '2025-05-09',
      excluded: false,
    })
  })

  it('stores only what is in the assets table from the 340 codes of currency-api', async () => {
    world.clock.set('2026-09-29T09:00:00Z')
    world.publisher.answer = (request, response) => {
      const isFile = request.url === '/currencies/eur.json'
      const text = isFile ? recorded('currency-api/eur.2026.9.29.json') : ''
      json(text, isFile ? 200 : 404)(request, response)
    }
    const fx = world.fxWith({ providers: ['currency-api'] })
    const [result] = await refreshRates(fx)
    expect(result).to.include({ status: 'stored', excluded: 0 })
    const rates = await world.rates()
    expect(rates).to.have.length(result?.stored ?? 0)
    const quotes = rates.map(({ quote }) => quote)
    expect(quotes).to.include.members(['HBAR', 'USDC', 'USDT', 'JPY']).and.not.include('BTC')
  })

  it('believes four real days of currency-api in a row, a 20 % move of a token included', async () => {
    const fx = world.fxWith({ providers: ['currency-api'] })
    for (const day of [26, 27, 28, 29]) {
      world.clock.set(`2026-09-${day}T09:00:00Z`)
      world.publisher.answer = json(recorded(`currency-api/eur.2026.9.${day}.json`))
      expect(await refreshRates(fx)).to.have.nested.property('[0].status', 'stored')
    }
    expect((await world.rates()).filter(({ excluded }) => excluded === true)).to.deep.equal([])
  })

  it('asks the keyed provider with its key and stores per dollar', async () => {
    world.clock.set('2026-09-29T09:00:00Z')
    let asked = ''
    world.publisher.answer = (request, response) => {
      asked = request.url ?? ''
      json(recorded('open-exchange-rates/latest.json'))(request, response)
    }
    const [result] = await refreshRates(world.fxWith({ providers: ['open-exchange-rates'] }))
    expect(asked).to.equal('/oxr/latest.json?app_id=secret-app-id')
    expect(result).to.include({ status: 'stored', stored: 10 })
  })

  it('explains a refusal of the keyed provider, without the key', async () => {
    world.publisher.answer = json(recorded('open-exchange-rates/invalid-app-id.json'), 401)
    const [result] = await refreshRates(world.fxWith({ providers: ['open-exchange-rates'] }))
    expect(result).to.include({ status: 'failed', httpCalls: 1 })
    const [batch] = await world.batches()
    expect(batch).to.include({
      status: 'failed',
      error: 'the app id is not valid; check the configured one (invalid_app_id)',
    })
    expect(JSON.stringify([result, batch])).to.not.include('secret-app-id')
  })

  it('loads the 90-day file whole, once', async () => {
    world.clock.set('2018-06-11T15:30:00Z')
    world.publisher.answer = xml(recorded('ecb/eurofxref-hist-90d.2018-06-11.xml'))
    const [first] = await backfillRates(world.fx, { reach: 'recent' })
    const days = parseEcb(recorded('ecb/eurofxref-hist-90d.2018-06-11.xml'))
    expect(first).to.include({ status: 'stored', stored: days.length * 32, excluded: 0 })
    const [second] = await backfillRates(world.fx, { reach: 'recent' })
    expect(second).to.include({ status: 'unchanged', stored: 0 })
    expect(await world.rates()).to.have.length(days.length * 32)
  })

  it('replays the last ECB day under its own name, dated today, without a network', async () => {
    world.publisher.answer = xml(recorded('ecb/eurofxref-daily.2025-05-09.xml'))
    await refreshRates(world.fx)
    world.clock.set('2026-11-22T10:00:00Z')
    const fx = world.fxWith({ providers: ['ecb', 'demo-replay'] })
    const [result] = await refreshRates(fx, { only: ['demo-replay'] })
    expect(result).to.include({ status: 'stored', stored: 30, httpCalls: 0 })
    const all = await world.rates()
    const replayed = all.filter(({ provider }) => provider === 'demo-replay')
    const rateOf = ({ quote, rate }: Record<string, unknown>) => ({ quote, rate })
    expect(replayed.map(rateOf)).to.deep.equal(
      all.filter(({ provider }) => provider === 'ecb').map(rateOf),
    )
    expect(replayed[0]).to.include({ day: '2026-11-22' })
  })
})
