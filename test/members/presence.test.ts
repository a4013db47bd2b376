import { expect } from 'chai'
import { sql } from 'kysely'
import { countActiveUsers, getActiveUsers } from '#members'
import { startApi, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'

describe('members who are active', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let number = 0
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    api = await startApi(business, { cache: { tiers: 'memory' } })
  })
  after(() => business.lifecycle.stop())
  beforeEach(() => business.db.run(sql`update members set last_active_at = null`))

  const add = () => addMember(business, tenant.organisationId, `${(number += 1)}@example.org`)
  const visit = (as: string) => api.call('GET', '/api/v2/me', { as })

  async function lastActive(memberId: string) {
    const [row] = await business.db.run(sql<{ ageSeconds: number | null; version: number }>`
      select extract(epoch from clock_timestamp() - last_active_at)::float8 as "ageSeconds", version
        from members where id = ${memberId}`)
    return row ?? { ageSeconds: null, version: 0 }
  }

  async function setActive(memberId: string, ageMinutes: number): Promise<void> {
    await business.db.run(sql`
      update members set last_active_at = now() - make_interval(mins => ${ageMinutes}) where id = ${memberId}`)
  }

  async function listActive(usersMax: number): Promise<string[]> {
    const found = []
    for await (const user of getActiveUsers(business, { at: new Date(), usersMax })) {
      expect(user.organisationId).to.equal(tenant.organisationId)
      found.push(user.memberId)
    }
    return found
  }

  it('are those who came with their token, also where the cache answered', async () => {
    const { memberId, token } = await add()
    await visit(token)
    await api.slice.presence.write()
    expect((await lastActive(memberId)).ageSeconds).to.be.within(0, 60)
    await setActive(memberId, 90)
    await visit(token)
    await api.slice.presence.write()
    expect(await lastActive(memberId)).to.deep.include({ version: 1 })
    expect((await lastActive(memberId)).ageSeconds).to.be.within(0, 60)
  })

  it('are written down once an hour, and the organisation itself never', async () => {
    const { memberId, token } = await add()
    await setActive(memberId, 50)
    await visit(token)
    await visit(tenant.secretKey)
    await api.slice.presence.write()
    expect((await lastActive(memberId)).ageSeconds).to.be.above(2_900)
  })

  it('are not waited for where somebody changes the row', async () => {
    const [locked, free] = [await add(), await add()]
    await visit(locked.token)
    await visit(free.token)
    const other = await business.db.pool.connect()
    await other.query('begin')
    await other.query('update members set name = name where id = $1', [locked.memberId])
    await api.slice.presence.write()
    await other.query('rollback')
    other.release()
    expect((await lastActive(locked.memberId)).ageSeconds).to.equal(null)
    expect((await lastActive(free.memberId)).ageSeconds).to.be.within(0, 60)
  })

  it('are listed latest first and once, across batches and equal times, within a month', async () => {
    const rows = await business.db.run(sql<{ id: string }>`
      insert into members (organisation_id, email, name, last_active_at, status)
      select ${tenant.organisationId}, 'many-' || n || '@example.org', n::text,
             now() - make_interval(mins => n / 7), case when n % 100 = 0 then 'suspended' else 'active' end
        from generate_series(1, 1212) as n
      returning id`)
    const [never, longAgo] = [await add(), await add()]
    await setActive(longAgo.memberId, 31 * 24 * 60)
    const found = await listActive(5_000)
    expect(new Set(found).size).to.equal(1_200).and.equal(found.length)
    expect(await countActiveUsers(business, { at: new Date() })).to.equal(1_200)
    expect(found).not.to.include.oneOf([never.memberId, longAgo.memberId, rows[99]?.id])
    const order = await business.db.run(sql<{ id: string }>`
      select id from members where status = 'active' and last_active_at > now() - interval '30 days'
       order by last_active_at desc, id desc limit 700`)
    expect(await listActive(700)).to.deep.equal(order.map(({ id }) => id))
  })
})
