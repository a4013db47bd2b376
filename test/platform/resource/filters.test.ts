import { defineEntity, p } from '@mikro-orm/core'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { defineResource } from '#platform/resource/define-resource'
import { instant, integer, nullable, text, uuid } from '#platform/resource/fields'
import { compareBytes, openFixture, store, type Fixture } from './fixture.ts'

const Parcel = defineEntity({
  name: 'Parcel',
  tableName: 'parcels',
  properties: {
    id: p.uuid().primary(),
    code: p.string().length(4).collation('C'),
    path: p.text().collation('C'),
    weight: p.integer().nullable(),
    sentAt: p.datetime().columnType('timestamptz'),
  },
})

const parcels = defineResource({
  name: 'parcels',
  noun: 'parcel',
  entity: Parcel,
  scope: 'parcels:read',
  visibility: 'public',
  cache: 'short',
  fields: {
    id: uuid('id'),
    code: text('code'),
    path: text('path'),
    weight: nullable(integer('weight')),
    sentAt: instant('sentAt'),
  },
  filters: { id: 'oneOf', code: 'oneOf', path: 'prefix', weight: 'range', sentAt: 'range' },
  sorts: ['path'],
  page: { limitDefault: 100, limitMax: 100 },
})

const table = sql`
  create table parcels (id uuid primary key, code varchar(4) collate "C", path text collate "C", weight integer,
    sent_at timestamptz)`

const letters = ['a', 'b', '\u007f', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']
const path = fc
  .array(fc.constantFrom(...letters, '%', '_', '\\'), { maxLength: 4 })
  .map((all) => all.join(''))
const row = fc.record({
  code: fc.constantFrom('abcd', 'abc', 'x', "'\\"),
  path,
  weight: fc.option(fc.integer({ min: -2, max: 2 })),
  sentAt: fc.nat(5),
})
const idOf = (index: number) => `ABCDEF0${index}-1111-4111-8111-111111111111`
const instantOf = (at: number) => `2026-01-01T00:00:00.00000${at}Z`

describe('a filtered list', () => {
  let fixture: Fixture

  before(async () => {
    fixture = await openFixture({ entities: [Parcel], resources: [parcels], tables: [table] })
  })
  after(() => fixture.lifecycle.stop())

  const read = async (filters: Readonly<Record<string, string | undefined>>) => {
    const given = Object.entries(filters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
    const page = await fixture.page(
      parcels,
      new URLSearchParams(Object.fromEntries(given)).toString(),
    )
    const ids = (JSON.parse(page.body) as { id: string }[]).map(({ id }) => id)
    return { ids, membership: page.membership }
  }

  it('holds exactly the rows that the filters say', async () => {
    const wishes = fc.record(
      {
        id: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 4 }),
        code: fc.uniqueArray(fc.constantFrom('abcd', 'abcde', 'x', "'\\", '$1'), { minLength: 1 }),
        pathPrefix: path.filter((one) => one !== ''),
        weightFrom: fc.integer({ min: -3, max: 3 }),
        weightBefore: fc.integer({ min: -3, max: 3 }),
        sentFrom: fc.nat(6),
        sentBefore: fc.nat(6),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 9 }), wishes, async (rows, wish) => {
        await store(
          fixture,
          'parcels',
          rows.map(({ sentAt, ...one }, index) => ({
            ...one,
            id: idOf(index),
            sent_at: instantOf(sentAt),
          })),
        )
        const { id, code, pathPrefix, weightFrom, weightBefore, sentFrom, sentBefore } = wish
        const expected = rows
          .map((one, index) => ({ ...one, index }))
          .filter(
            (one) =>
              (id?.includes(one.index) ?? true) &&
              (code?.some((wanted) => wanted === one.code) ?? true) &&
              one.path.startsWith(pathPrefix ?? '') &&
              (weightFrom === undefined || (one.weight !== null && one.weight >= weightFrom)) &&
              (weightBefore === undefined || (one.weight !== null && one.weight < weightBefore)) &&
              (sentFrom === undefined || one.sentAt >= sentFrom) &&
              (sentBefore === undefined || one.sentAt < sentBefore),
          )
          .toSorted((one, other) => compareBytes(one.path, other.path) || one.index - other.index)
        const { ids, membership } = await read({
          id: id?.map(idOf).join(','),
          code: code?.join(','),
          pathPrefix,
          weightFrom: weightFrom?.toString(),
          weightBefore: weightBefore?.toString(),
          sentFrom: sentFrom === undefined ? undefined : instantOf(sentFrom),
          sentBefore: sentBefore === undefined ? undefined : instantOf(sentBefore),
        })
        expect(ids).to.deep.equal(expected.map(({ index }) => idOf(index).toLowerCase()))
        const told = (values: readonly string[]) =>
          values.length > 1 ? values.toSorted() : values[0]
        expect(membership).to.deep.equal({
          ...(id && { id: told(id.map((index) => idOf(index).toLowerCase())) }),
          ...(code && { code: told(code) }),
        })
      }),
      { numRuns: 300 },
    )
  }).timeout(60_000)

  it('holds under every prefix what begins with it, up to the last character there is', async () => {
    const all = letters.flatMap((one) => ['', ...letters].map((other) => one + other))
    const rows = all.map((one, index) => ({
      id: `00000000-0000-4000-8000-0000000000${String(index).padStart(2, '0')}`,
      code: 'x',
      path: one,
      weight: null,
      sent_at: instantOf(0),
    }))
    await store(fixture, 'parcels', rows)
    for (const prefix of all) {
      const { ids } = await read({ pathPrefix: prefix })
      const expected = rows.filter((one) => one.path.startsWith(prefix)).map(({ id }) => id)
      expect(ids.toSorted(), JSON.stringify(prefix)).to.deep.equal(expected)
    }
  })

  for (const value of [
    '0000-01-01T00:00:00Z',
    '2026-01-01T00:00:00+16:00',
    '2026-01-01T00:00:00-23:59',
    `2026-01-01T00:00:00.${'1'.repeat(200)}Z`,
    '2026-02-30T00:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    'infinity',
    'now',
  ]) {
    it(`takes no instant that PostgreSQL does not: ${value.slice(0, 30)}`, async () => {
      const error = await read({ sentFrom: value }).catch((reason: unknown) => reason)
      expect(error).to.have.nested.property('faults[0].pointer', '#/query/sentFrom')
    })
  }

  for (const value of [
    '0001-01-01T00:00:00+15:59',
    '9999-12-31T23:59:59.999999999-15:59',
    '2024-02-29T23:59:59.5Z',
  ]) {
    it(`takes the outermost instants: ${value}`, async () => {
      await read({ sentFrom: value, sentBefore: value })
    })
  }

  for (const value of [
    '2147483648',
    '-2147483649',
    '1.5',
    '1e3',
    '',
    ' 1',
    '0x1',
    '9'.repeat(40),
  ]) {
    it(`takes no integer that PostgreSQL does not: ${JSON.stringify(value)}`, async () => {
      const error = await read({ weightFrom: value }).catch((reason: unknown) => reason)
      expect(error).to.have.nested.property('faults[0].pointer', '#/query/weightFrom')
    })
  }
})
