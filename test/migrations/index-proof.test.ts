import { expect } from 'chai'
import { sql } from 'kysely'
import { PaymentLink } from '#payments'
import { listIndexes } from '#platform/database/indexes'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { instant, text, uuid } from '#platform/resource/fields'
import { paymentLinks } from '../../api/resources/payment-links.ts'
import { resources } from '../../api/resources.ts'
import { acceptedFaults } from '../../migrations/accepted-faults.ts'
import { purposeOf } from '../../migrations/analyze.ts'
import { otherReads } from '../../migrations/other-reads.ts'
import { proveReads, type ProvenRead } from '../../migrations/prove-reads.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { growTables } from '../support/grow.ts'

// The demo business among ten others, every table with thousands of rows: what the planner does here it does in earnest.

describe('the index proof', () => {
  let business: Business
  let reads: readonly ProvenRead[]
  before(async function () {
    this.timeout(180_000)
    business = await openBusiness({ url: await createDemoDatabase() })
    await growTables(business.url)
    reads = await proveReads(business.db, resources)
  })
  after(() => business.lifecycle.stop())

  const faultsOf = (proven: readonly ProvenRead[]) =>
    proven.flatMap(({ name, variant, faults }) =>
      faults.map((fault) => `${name}, ${variant}: ${fault}`),
    )
  const needless = async () =>
    (await listIndexes(business.db))
      .filter((one) => purposeOf(one, reads).keptFor === undefined)
      .map(({ index }) => index)

  it('no declared read sorts or scans what it need not', () => {
    expect(faultsOf(reads)).to.deep.equal([])
  })

  it('covers every declaration: each sort, filter, count, expansion, detail and numbered page', () => {
    const all = reads.map(({ name, variant }) => `${name}, ${variant}`)
    expect(new Set(all).size).to.equal(all.length)
    for (const resource of resources) {
      const { name, parent, sorts, filters, filtersRequired, expand } = resource
      const title = parent ? `${parent.resource().name}/${name}` : name
      const [{ name: usual }] = sorts
      const free = Object.keys(filters).filter((field) => !filtersRequired.includes(field))
      expect(all).to.include.members([
        ...sorts.flatMap((sort) =>
          ['first page', 'next page', 'prev page'].flatMap((variant) => [
            `${title} by ${sort.name}, ${variant}`,
            ...free.map((field) => `${title} by ${sort.name} with ${field}, ${variant}`),
          ]),
        ),
        ...[
          'count=estimated',
          'count=exact',
          ...Object.keys(expand).map((one) => `expand=${one}`),
        ].map((variant) => `${title} by ${usual}, ${variant}`),
        ...(resource.legacyPath === undefined ? [] : [`${title} by ${usual}, page by number`]),
        ...(resource.operations === 'list' ? [] : [`${title}/:id, alone`]),
      ])
    }
  })

  for (const [index, { reader }] of Object.entries(otherReads)) {
    it(`${index} serves ${reader}`, () => {
      expect(reads.find(({ name }) => name === reader)?.indexes).to.deep.equal([index])
    })
  }

  it('every index is needed: by a read, a uniqueness rule or a foreign key', async () => {
    expect(await needless()).to.deep.equal([])
  })

  it('accepts no fault that is none', () => {
    const accepted = Object.values(acceptedFaults)
    const used = reads.filter(({ allowed }) => accepted.includes(allowed ?? ''))
    expect([...new Set(used.map(({ name }) => name))]).to.deep.equal(Object.keys(acceptedFaults))
  })

  // What it is worth: each of these would be found.

  it('finds an index that nobody uses', async () => {
    await business.db.run(sql`create index idx_idle on payment_links (organisation_id, updated_at)`)
    const found = await needless()
    await business.db.run(sql`drop index idx_idle`)
    expect(found).to.deep.equal(['idx_idle'])
  })

  it('finds a sort and a filter without an index, and says which would serve', async () => {
    const faults = faultsOf(await proveReads(business.db, [unprepared]))
    const columns = (name: string) =>
      `an index on payment_links (organisation_id, ${name}) where deleted_at is null would serve it`
    expect(faults[0]).to.match(
      /^unprepared by -updatedAt, first page: sorts 3,\d\d\d rows of payment_links; an index/,
    )
    expect(faults[0]).to.include(columns('updated_at, id'))
    const filtered = faults.find((one) =>
      one.startsWith('unprepared by createdAt with description, first'),
    )
    expect(filtered).to.match(
      /: reads 3,\d\d\d rows of payment_links by idx_payment_links_\w+ to keep 1 of them;/,
    )
    expect(filtered).to.include(columns('description, created_at, id'))
  })

  it('finds an index that does not begin with the organisation', async () => {
    const change = async (drop: string, create: string, on: string) => {
      await business.db.run(sql`drop index ${sql.ref(drop)}`)
      await business.db.run(
        sql`create index ${sql.ref(create)} on payment_links (${sql.raw(on)}) where deleted_at is null`,
      )
    }
    const right = [
      'idx_payment_links_org_created',
      'organisation_id, created_at desc, id desc',
    ] as const
    await change(right[0], 'idx_wrong', 'created_at desc, id desc')
    const found = await proveReads(business.db, [paymentLinks])
    await change('idx_wrong', ...right)
    const first = faultsOf(found).find((one) =>
      one.startsWith('payment-links by -createdAt, first page'),
    )
    expect(first).to.match(
      /: reads \d+ rows of payment_links by idx_wrong to keep \d+ of them; an index/,
    )
  })
})

/** A list as nobody should declare it. */
const unprepared: Resource = defineResource({
  name: 'unprepared',
  noun: 'payment link',
  entity: PaymentLink,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  operations: 'list',
  removedAt: 'deletedAt',
  fields: {
    id: uuid('id'),
    description: text('description'),
    createdAt: instant('createdAt'),
    updatedAt: instant('updatedAt'),
  },
  hidden: [
    'organisationId',
    'shortCode',
    'status',
    'amountMinor',
    'currency',
    'externalReference',
    'memberId',
    'rateMode',
    'rateLockSeconds',
    'acceptedAssets',
    'completionsMax',
    'completionsCount',
    'expiresAt',
    'successUrl',
    'inactiveMessage',
    'metadata',
    'fxSetId',
    'version',
    'createdBy',
    'deletedAt',
  ],
  filters: { description: 'equals' },
  sorts: ['-updatedAt', 'createdAt'],
  page: { limitDefault: 20, limitMax: 100 },
})
