import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { openQuota } from '../../admin/app.ts'
import { adminClient, headersOf, refusalOf, startAdmin } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

describe('how many procedures a token calls', () => {
  let business: Business
  let clock: TestClock
  let origin: string
  let token: string

  beforeEach(async () => {
    business = await openBusiness()
    clock = createTestClock()
    origin = await startAdmin(business, { quota: openQuota(25, { ...business, clock }) })
    token = (await issueAdminToken(business, { name: 'Ada', role: 'operator' })).text
  })
  afterEach(() => business.lifecycle.stop())

  /** The codes of a batch of so many calls; undefined for those that were answered. */
  async function batch(size: number, as = token): Promise<readonly (string | undefined)[]> {
    const paths = Array.from({ length: size }, () => 'flags.list').join(',')
    const answer = await fetch(`${origin}/trpc/${paths}?batch=1`, { headers: headersOf(as) })
    const body: any = await answer.json()
    return body.map((one: any) => one.error?.data.code)
  }
  const answered = (codes: readonly (string | undefined)[]) =>
    codes.filter((code) => code === undefined).length

  it('are counted one by one, also in a batch, which is served as far as there is room', async () => {
    expect(answered(await batch(10))).to.equal(10)
    expect(answered(await batch(10))).to.equal(10)
    const third = await batch(10)
    expect(answered(third)).to.equal(5)
    expect(third.filter((code) => code === 'TOO_MANY_REQUESTS')).to.have.length(5)
  })

  it('are told when there is room again, and then there is', async () => {
    await batch(10)
    await batch(10)
    await batch(5)
    const refusal = await refusalOf(adminClient(origin, token).flags.list.query())
    expect(refusal.data).to.deep.include({
      code: 'TOO_MANY_REQUESTS',
      httpStatus: 429,
      slug: 'members/admin-limited',
    })
    const { facts }: { facts?: { retryAfterSeconds?: number } } = { ...refusal.data }
    await clock.advance(1_000 * (facts?.retryAfterSeconds ?? 0))
    expect(answered(await batch(1))).to.equal(1)
  })

  it('are those of one token; what is refused changes nothing and is not written down', async () => {
    const other = (await issueAdminToken(business, { name: 'Bob', role: 'operator' })).text
    for (const size of [10, 10, 5]) {
      await batch(size)
    }
    const flag = { name: 'cursor-pagination', percentage: 1 } as const
    await refusalOf(adminClient(origin, token).flags.set.mutate(flag))
    expect(await business.db.run(sql`select from audit_log`)).to.have.length(0)
    expect(answered(await batch(10, other))).to.equal(10)
  })
})
