import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'

describe('writers that meet', () => {
  let processes: readonly { readonly business: Business; readonly api: Api }[]
  let business: Business
  let tenant: Tenant
  let keys = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    const second = await openBusiness({ url: business.url, fx: { providers: ['ecb'] } })
    processes = [
      { business, api: await startApi(business) },
      { business: second, api: await startApi(second) },
    ]
  })
  after(() => Promise.all(processes.map((one) => one.business.lifecycle.stop())))

  type Sent = { method?: string; path?: string; body?: unknown; key?: string; match?: string }

  /** The same requests at the same time, alternately to one process and the other. */
  const race = (count: number, sent: (index: number) => Sent): Promise<Answer[]> =>
    Promise.all(
      Array.from({ length: count }, (_, index) => {
        const { method = 'POST', path = '', body = {}, key, match } = sent(index)
        const headers = {
          'idempotency-key': key ?? `key-${(keys += 1)}`,
          ...(match !== undefined && { 'if-match': match }),
        }
        const target = processes[index % processes.length] ?? processes[0]
        return target?.api.call(method, `/api/v2/payment-links${path}`, {
          as: tenant.secretKey,
          body,
          headers,
        })
      }).flatMap((answer) => (answer ? [answer] : [])),
    )
  const statuses = (answers: readonly Answer[]): Record<string, number> =>
    Object.fromEntries(
      Object.entries(Object.groupBy(answers, ({ status }) => String(status))).map(
        ([status, group]) => [status, group?.length ?? 0],
      ),
    )
  const make = async (body: object = {}): Promise<string> =>
    (await race(1, () => ({ body: { currency: 'GBP', ...body } })))[0]?.json.data.id

  it('with one key in two processes have one effect, and are answered from it or told to wait', async () => {
    const answers = await race(16, () => ({
      key: 'shared',
      body: { currency: 'GBP', reference: 'K' },
    }))
    for (const { status, json } of answers) {
      expect(status).to.be.oneOf([201, 409])
      expect(json.type ?? 'http/idempotency-key-busy').to.include('idempotency-key-busy')
    }
    const done = answers.filter(({ status }) => status === 201)
    expect(new Set(done.map(({ json }) => json.data.id)).size).to.equal(1)
    const again = await race(4, () => ({
      key: 'shared',
      body: { reference: 'K', currency: 'GBP' },
    }))
    expect(new Set(again.map(({ text }) => text))).to.deep.equal(new Set([done[0]?.text]))
    const [row] = await business.db.run(sql<{ n: string }>`
      select count(*) as n from payment_links where external_reference = 'K'`)
    expect(row?.n).to.equal('1')
  })

  it('with one reference make one link; the others are told where the fault is', async () => {
    const answers = await race(16, () => ({ body: { currency: 'GBP', reference: 'R' } }))
    expect(statuses(answers)).to.deep.equal({ 201: 1, 409: 15 })
    for (const { json } of answers.filter(({ status }) => status === 409)) {
      expect(json.errors).to.deep.equal([{ detail: 'already in use', pointer: '#/reference' }])
    }
  })

  it('at one version change a link once', async () => {
    const path = `/${await make()}`
    const answers = await race(16, (index) => ({
      method: 'PATCH',
      path,
      match: '"1"',
      body: { description: `writer ${index}` },
    }))
    // On a busy machine a writer may wait for the row longer than lock_timeout allows: then it is told to try again.
    const { 200: changed, 412: late = 0, 503: refused = 0 } = statuses(answers)
    expect([changed, late + refused]).to.deep.equal([1, 15])
    const winner = answers.find(({ status }) => status === 200)?.json.data
    const [read] = await race(1, () => ({ method: 'PATCH', path, match: '"2"', body: {} }))
    expect(read?.json.data.description).to.equal(winner.description)
  })

  it('cancel and requote in some order, never half of both', async () => {
    const id = await make()
    const answers = await race(16, (index) => ({
      path: `/${id}/${index % 4 === 0 ? 'cancel' : 'requote'}`,
    }))
    expect(Object.keys(statuses(answers))).to.have.members(['200', '409'])
    const [row] = await business.db.run(sql<Record<string, string>>`
      select status, (select count(*) from payment_events e where e.payment_link_id = l.id and type = 'cancelled') as cancelled,
             (select count(*) from payment_events e where e.payment_link_id = l.id and type = 'requoted') as requoted,
             (select count(*) from fx_snapshots s where s.payment_link_id = l.id) as rates,
             (select count(*) from fx_snapshots s where s.payment_link_id = l.id and s.set_id = l.fx_set_id) as current
        from payment_links l where id = ${id}`)
    expect(row).to.include({ status: 'cancelled', cancelled: '1', current: '4' })
    expect(Number(row?.['rates'])).to.equal(4 + 4 * Number(row?.['requoted']))
  })

  it('swap the references of two links without a deadlock reaching anybody as a fault', async () => {
    const ids = [await make({ reference: 'one' }), await make({ reference: 'two' })]
    const answers = await race(8, (index) => ({
      method: 'PATCH',
      path: `/${ids[index % 2]}`,
      match: '"1"',
      body: { reference: index % 2 === 0 ? 'two' : 'one' },
    }))
    expect(Object.keys(statuses(answers))).to.have.members(['409'])
  })
})
