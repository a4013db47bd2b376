import { expect } from 'chai'
import { sql } from 'kysely'
import { createFx, type Fx } from '#fx'
import { issueAdminToken } from '#members'
import { openQueues, type Queues } from '#platform/queue/queues'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'
import {
  clockAt,
  eager,
  fxOptions,
  json,
  recorded,
  startPublisher,
  xml,
  type Publisher,
  type SettableClock,
} from '../fx/world.ts'

const files: Record<string, string> = {
  'daily.xml': recorded('ecb/eurofxref-daily.2025-05-09.xml').replace('2025-05-09', '2026-09-29'),
  currencies: recorded('currency-api/eur.2026.9.29.json'),
  oxr: recorded('open-exchange-rates/latest.json'),
}

describe('admin procedures of exchange rates', () => {
  let business: Business
  let clock: SettableClock
  let publisher: Publisher
  let fx: Fx
  let queues: Queues
  let operator: AdminClient
  let viewer: AdminClient

  before(async () => {
    clock = clockAt('2026-09-29T18:00:00Z')
    business = await openBusiness({ clock })
    publisher = await startPublisher()
    business.lifecycle.defer('publisher', () => publisher.close())
    fx = createFx(
      {
        ...fxOptions(publisher.origin),
        providers: ['ecb', 'currency-api', 'open-exchange-rates'],
      },
      { ...business, random: eager },
    )
    queues = await openQueues(
      { redisUrl: undefined, databaseUrl: business.url, producerTimeoutMs: 1000 },
      business,
    )
    const origin = await startAdmin(business, { fx, queues })
    const clientOf = async (role: 'viewer' | 'operator'): Promise<AdminClient> =>
      adminClient(origin, (await issueAdminToken(business, { name: role, role })).text)
    operator = await clientOf('operator')
    viewer = await clientOf('viewer')
    await addTenant(business, 'gifts')
  })
  beforeEach(async () => {
    for (const table of ['fx_rates', 'fx_batches', 'fx_quotas']) {
      await business.db.run(sql`delete from ${sql.table(table)}`)
    }
    clock.set('2026-09-29T18:00:00Z')
    publisher.answer = (request, response) => {
      const name = request.url?.split('/')[1]?.split('?')[0] ?? ''
      const text = files[name] ?? ''
      ;(name === 'daily.xml' ? xml(text) : json(text, text === '' ? 404 : 200))(request, response)
    }
  })
  after(() => business.lifecycle.stop())

  it('tell of providers that were never asked', async () => {
    const states = await viewer.fx.providers.query()
    expect(states.map(({ provider }) => provider)).to.deep.equal([
      'ecb',
      'currency-api',
      'open-exchange-rates',
    ])
    expect(states[0]).to.deep.include({ ageSeconds: {}, lastDay: { batches: 0, httpCalls: 0 } })
    expect(states[0]?.nextCallAt).to.match(/^2026-09-29T18:00:0/)
    expect(states[2]?.quota).to.deep.equal({ period: 'month', used: 0, left: 1000 })
  })

  it('tell how each provider stands after it was asked', async () => {
    await business.db.run(
      sql`update organisations set settlement_assets = array['EUR', 'HBAR', 'AUD', 'JPY']`,
    )
    await operator.fx.fetchNow.mutate()
    clock.set('2026-09-29T18:10:00Z')
    const [ecb, tokens, keyed] = await viewer.fx.providers.query()
    expect(ecb).to.deep.include({
      ageSeconds: { stable: 65_400 },
      nextCallAt: '2026-09-30T14:00:00.000Z',
      lastDay: { batches: 1, httpCalls: 1 },
    })
    expect(ecb?.lastSuccessAt).to.match(/^2026-09-29T18:00:0/)
    expect(ecb?.lastError).to.equal(undefined)
    expect(tokens?.ageSeconds).to.deep.equal({ volatile: 65_400, stable: 65_400 })
    expect(tokens?.nextCallAt).to.equal('2026-09-29T19:01:00.000Z')
    expect(keyed?.quota).to.deep.equal({ period: 'month', used: 1, left: 999 })
    expect(ecb?.circuit).to.deep.equal({})
  })

  it('tell the last error beside the last success', async () => {
    await operator.fx.fetchNow.mutate()
    publisher.answer = (_, response) => void response.writeHead(503).end()
    clock.set('2026-09-29T18:20:00Z')
    await operator.fx.fetchNow.mutate()
    const [ecb] = await viewer.fx.providers.query()
    expect(ecb?.lastSuccessAt).to.match(/T18:00:0/)
    expect(ecb?.lastError?.text).to.match(/answered 503/)
    expect(ecb?.lastError?.at).to.match(/T18:20:0/)
  })

  it('list batches, newest first, page by page, of one provider or all', async () => {
    for (const minute of ['00', '10', '20']) {
      clock.set(`2026-09-29T18:${minute}:00Z`)
      await operator.fx.fetchNow.mutate()
    }
    const seen: string[] = []
    let before: string | undefined
    do {
      const page = await viewer.fx.batches.query({ limit: 2, ...(before && { before }) })
      seen.push(...page.batches.map(({ id }) => id))
      before = page.batches.at(-1)?.id
    } while (before !== undefined)
    expect(new Set(seen).size).to.equal(9)
    const { batches } = await viewer.fx.batches.query({ provider: 'ecb' })
    expect(
      batches.map(({ provider, status, ratesStored }) => [provider, status, ratesStored]),
    ).to.deep.equal([
      ['ecb', 'stored', 0],
      ['ecb', 'stored', 0],
      ['ecb', 'stored', 30],
    ])
    const times = batches.map(({ finishedAt }) => finishedAt)
    expect(times).to.deep.equal(times.toSorted().toReversed())
  })

  it('hand a backfill to the worker, once', async () => {
    await operator.fx.backfill.mutate({ reach: 'recent' })
    await operator.fx.backfill.mutate({ reach: 'recent' })
    expect(await queues.counts('fx-history')).to.include({ waiting: 1 })
  })

  it('let a viewer change nothing, and refuse what is no reach and no provider', async () => {
    const refusals = await Promise.all([
      refusalOf(viewer.fx.backfill.mutate({ reach: 'full' })),
      refusalOf(operator.fx.backfill.mutate({ reach: 'all' as never })),
      refusalOf(viewer.fx.batches.query({ provider: 'bank' as never })),
    ])
    expect(refusals.map(({ data }) => data?.code)).to.deep.equal([
      'FORBIDDEN',
      'BAD_REQUEST',
      'BAD_REQUEST',
    ])
  })
})
