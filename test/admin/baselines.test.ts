import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { compareMoments } from '#platform/metrics/baselines'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'

describe('baselines', () => {
  let business: Business
  let api: Api
  let origin: string
  let secretKey: string
  let operator: AdminClient

  before(async () => {
    business = await openBusiness()
    secretKey = (await addTenant(business, 'harbour')).secretKey
    api = await startApi(business, { cache: { tiers: 'memory' } })
    origin = await startAdmin(business, { cachePatienceMs: 5_000, deadlineMs: 20_000 })
    const { text } = await issueAdminToken(business, { name: 'Ada', role: 'operator' })
    operator = adminClient(origin, text)
  })
  after(() => business.lifecycle.stop())

  const ask = () => api.call('GET', '/api/v2/products', { as: secretKey })

  it('keep what was measured, and say what is worse since', async () => {
    for (let time = 0; time < 10; time += 1) {
      await ask()
    }
    const taken = await operator.metrics.baselines.take.mutate({ name: 'before-1.2' })
    expect(taken.figures).to.include({ processes: 1, requests: 10, errorRatio: 0, hitRatio: 0.9 })
    expect(taken.slow).to.deep.equal([])

    // a statement becomes slow, and misses come
    const scope = business.db.watch.open(() => '/api/v2/planted')
    await scope.run(() => business.db.run(sql`select pg_sleep(0.11), 'planted'`))
    scope.close()
    for (let time = 0; time < 10; time += 1) {
      await api.call('GET', `/api/v2/products?limit=${10 + time}`, { as: secretKey })
    }
    const found = await operator.metrics.baselines.compare.query({ name: 'before-1.2' })
    const of = (name: string) => found.figures.find((one) => one.name === name)
    expect(of('hitRatio')).to.deep.equal({
      name: 'hitRatio',
      before: 0.9,
      after: 0.45,
      verdict: 'worse',
    })
    expect(of('requests')?.verdict).to.equal('none')
    expect(found.figures[0]?.verdict).to.equal('worse')
    expect(found.newSlow).to.have.length(1)
    const { statements } = await operator.metrics.slowQueries.query()
    expect(found.newSlow[0]).to.equal(
      statements.find(({ route }) => route.endsWith('planted'))?.fingerprint,
    )

    const after = await operator.metrics.baselines.take.mutate({ name: 'after' })
    const between = { name: 'after', with: 'before-1.2' }
    const back = await operator.metrics.baselines.compare.query(between)
    expect(back.figures.find((one) => one.name === 'hitRatio')?.verdict).to.equal('better')
    expect(back.newSlow).to.deep.equal([])
    const listed = await operator.metrics.baselines.list.query()
    expect(listed.map(({ name }) => name)).to.deep.equal(['after', 'before-1.2'])
    expect(listed[0]?.figures).to.deep.equal(after.figures)
  })

  it('are taken once under a name, removed, and written down', async () => {
    await operator.metrics.baselines.take.mutate({ name: 'twice' })
    const again = await refusalOf(operator.metrics.baselines.take.mutate({ name: 'twice' }))
    expect(again.data).to.deep.include({ code: 'CONFLICT', slug: 'metrics/baseline-taken' })
    await operator.metrics.baselines.remove.mutate({ name: 'twice' })
    for (const gone of [
      operator.metrics.baselines.compare.query({ name: 'twice' }),
      operator.metrics.baselines.remove.mutate({ name: 'twice' }),
    ]) {
      expect((await refusalOf(gone)).data).to.deep.include({ code: 'NOT_FOUND' })
    }
    const { records } = await operator.audit.list.query({ procedure: 'metrics.baselines.remove' })
    expect(records.at(-1)?.before).to.deep.include({ name: 'twice' })
  })

  it('are not taken while no process tells its figures', async () => {
    const alone = await openBusiness()
    const { text } = await issueAdminToken(alone, { name: 'Bob', role: 'operator' })
    const lonely = adminClient(await startAdmin(alone), text)
    const refusal = await refusalOf(lonely.metrics.baselines.take.mutate({ name: 'nothing' }))
    expect(refusal.data).to.deep.include({ slug: 'metrics/nothing-measured' })
    await alone.lifecycle.stop()
  })

  it('the error budgets answer, whatever is known yet', async () => {
    const { objectives, ...asked } = await operator.metrics.slo.query()
    expect(asked).to.deep.equal({ known: 1, answered: 1 })
    expect(objectives.map(({ name, targetRatio }) => [name, targetRatio])).to.deep.equal([
      ['availability', 0.999],
      ['within-100-ms', 0.95],
      ['within-500-ms', 0.99],
    ])
  })

  for (const [was, now, figure, verdict] of [
    [100, 119, 'p95Ms', 'same'],
    [100, 120, 'p95Ms', 'worse'],
    [120, 100, 'p95Ms', 'better'],
    [1, 5, 'p95Ms', 'same'],
    [0.9, 0.88, 'hitRatio', 'same'],
    [0.9, 0.85, 'hitRatio', 'worse'],
    [0, 0.001, 'errorRatio', 'worse'],
    [0, 0, 'errorRatio', 'same'],
  ] as const) {
    it(`judge ${figure} of ${now} after ${was}: ${verdict}`, () => {
      const moment = (value: number) => ({ figures: { [figure]: value }, slow: [] })
      const { figures } = compareMoments(moment(was), moment(now))
      expect(figures[0]?.verdict).to.equal(verdict)
    })
  }
})
