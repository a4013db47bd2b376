import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { writeReport } from '#platform/reports/reports'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { createTestClock } from '../support/clock.ts'

describe('reports, for operators', () => {
  let business: Business
  let viewer: AdminClient
  let origin: string
  const ids: string[] = []

  before(async () => {
    business = await openBusiness({ clock: createTestClock() })
    origin = await startAdmin(business, { deadlineMs: 60_000_000 })
    const { text } = await issueAdminToken(business, { name: 'viewer', role: 'viewer' })
    viewer = adminClient(origin, text)
    for (const kind of ['indexes', 'week', 'indexes', 'statistics', 'indexes']) {
      const figures = { place: ids.length }
      ids.push(await writeReport(business, { kind, figures, body: { of: [kind] } }))
    }
  })
  after(() => business.lifecycle.stop())

  const places = async (input: Parameters<AdminClient['reports']['list']['query']>[0]) =>
    (await viewer.reports.list.query(input)).map(({ figures }) => figures['place'])

  it('lists the newest first, all or of one kind, page by page, without their bodies', async () => {
    const [first] = await viewer.reports.list.query()
    expect(first).to.deep.equal({
      id: ids[4],
      kind: 'indexes',
      createdAt: '2026-01-15T12:00:00.000Z',
      figures: { place: 4 },
    })
    expect(await places({})).to.deep.equal([4, 3, 2, 1, 0])
    expect(await places({ kind: 'indexes' })).to.deep.equal([4, 2, 0])
    expect(await places({ limit: 2 })).to.deep.equal([4, 3])
    expect(await places({ limit: 2, before: ids[3] ?? '' })).to.deep.equal([2, 1])
    expect(await places({ kind: 'indexes', before: ids[2] ?? '' })).to.deep.equal([0])
    expect(await places({ kind: 'nothing' })).to.deep.equal([])
  })

  it('gives one in full', async () => {
    const report = await viewer.reports.get.query({ id: ids[1] ?? '' })
    expect(report).to.deep.equal({
      id: ids[1],
      kind: 'week',
      createdAt: '2026-01-15T12:00:00.000Z',
      figures: { place: 1 },
      body: { of: ['week'] },
    })
  })

  it('refuses what is not there and what cannot be asked', async () => {
    const missing = await refusalOf(viewer.reports.get.query({ id: '999' }))
    expect(missing.data).to.include({ code: 'NOT_FOUND', slug: 'reports/not-found' })
    for (const input of [{ limit: 0 }, { limit: 101 }, { kind: "x' or 1" }, { before: '1.5' }]) {
      const refusal = await refusalOf(viewer.reports.list.query(input))
      expect(refusal.data?.code).to.equal('BAD_REQUEST')
    }
    const stranger = await refusalOf(adminClient(origin, undefined).reports.list.query())
    expect(stranger.data?.code).to.equal('UNAUTHORIZED')
  })
})
