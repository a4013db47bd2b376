import { defineEntity, p } from '@mikro-orm/core'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { defineResource } from '#platform/resource/define-resource'
import {
  decimal,
  instant,
  integer,
  nullable,
  oneOf,
  sequence,
  text,
} from '#platform/resource/fields'
import type { SortKeyText } from '#platform/resource/filled'
import { compareBytes } from './fixture.ts'

export const Specimen = defineEntity({
  name: 'Specimen',
  tableName: 'specimens',
  properties: {
    shelf: p.text().collation('C').primary(),
    number: p.bigint('string').primary(),
    status: p.text().collation('C'),
    label: p.text().collation('C').nullable(),
    score: p.integer().nullable(),
    weight: p.decimal('string').columnType('numeric'),
    big: p.bigint('string'),
    foundAt: p.datetime().columnType('timestamptz'),
    seenAt: p.datetime().columnType('timestamptz').nullable(),
  },
})

export const statuses = ['draft', 'open', 'paid'] as const

export const specimens = defineResource({
  name: 'specimens',
  noun: 'specimen',
  entity: Specimen,
  scope: 'specimens:read',
  visibility: 'public',
  cache: 'short',
  operations: 'list',
  fields: {
    shelf: text('shelf'),
    number: sequence('number'),
    status: oneOf('status', statuses),
    label: nullable(text('label')),
    score: nullable(integer('score')),
    weight: decimal('weight'),
    big: sequence('big'),
    foundAt: instant('foundAt'),
    seenAt: nullable(instant('seenAt')),
  },
  filters: { status: 'oneOf' },
  sorts: [
    'foundAt',
    '-foundAt',
    'weight',
    '-weight',
    '-big',
    { by: ['status', '-foundAt'] },
    { by: ['-status', 'weight', 'big'] },
    { by: ['label'], nulls: 'last' },
    { by: ['-label'], nulls: 'last' },
    { by: ['-seenAt'], nulls: 'first' },
    { by: ['status', '-score'], nulls: 'last' },
    { by: ['-score', 'status'], nulls: 'first' },
    { by: ['score', '-label'], nulls: 'first' },
    { by: ['score', '-label', 'seenAt'], nulls: 'last' },
    { by: ['-number', 'label'], nulls: 'last' },
    { by: ['shelf', '-number'] },
  ],
  page: { limitDefault: 5, limitMax: 20 },
})

/** One row; the instants are microseconds after one instant. */
export type Row = {
  readonly shelf: string
  readonly number: string
  readonly status: (typeof statuses)[number]
  readonly label: string | null
  readonly score: number | null
  readonly weight: string
  readonly big: string
  readonly foundAt: number
  readonly seenAt: number | null
}
type Column = keyof Row

const oddTexts = [
  '',
  'a',
  'A',
  'a,b',
  "it's",
  '\\',
  '"',
  '%',
  '$1',
  '{}',
  'null',
  'é',
  'é',
  '퟿',
  '',
  '￿',
  '😀',
  '􏿿',
  '􏿿􏿿',
  '',
]
const weights = ['1.0', '1.00', '1', '-3', '-0.5', '0', '12345678901234567890.123456789', '1e-9']
const bigs = ['9007199254740993', '9007199254740992', '-9007199254740993', '9223372036854775807']

/** Few places, so that rows come and go at the same ones. */
export const places = [
  ['a', '1'],
  ['a', '9007199254740993'],
  ['a', '9007199254740992'],
  ['a,b', '1'],
  ['a:b', '-2'],
  ['\u{1f600}', '5'],
  ['\uffff', '5'],
  ['', '0'],
  ["'\\", '7'],
  ['"', '3'],
] as const

export const values = fc.record({
  status: fc.constantFrom(...statuses),
  label: fc.option(fc.constantFrom(...oddTexts)),
  score: fc.option(fc.integer({ min: -1, max: 1 })),
  weight: fc.constantFrom(...weights),
  big: fc.constantFrom(...bigs),
  foundAt: fc.nat(3),
  seenAt: fc.option(fc.nat(2)),
})
export const rowsOf = (held: readonly (Omit<Row, 'shelf' | 'number'> | null)[]): Row[] =>
  held.flatMap((one, index) => {
    const [shelf = '', number = ''] = places[index] ?? []
    return one ? [{ shelf, number, ...one }] : []
  })

export type Sort = (typeof specimens.sorts)[number]

const isInstant = (column: Column) => column === 'foundAt' || column === 'seenAt'
const instantOf = (micros: number | null) =>
  micros === null ? null : `2026-01-01T00:00:00.00000${micros}Z`
export const stored = (row: Row) => ({
  shelf: row.shelf,
  number: row.number,
  status: row.status,
  label: row.label,
  score: row.score,
  weight: row.weight,
  big: row.big,
  found_at: instantOf(row.foundAt),
  seen_at: instantOf(row.seenAt),
})
/** The decimals of `1e-9` as PostgreSQL writes them. */
const plain = (weight: string) => (weight === '1e-9' ? '0.000000001' : weight)
export const shown = (row: Row) => ({
  ...row,
  weight: plain(row.weight),
  foundAt: '2026-01-01T00:00:00.000Z',
  seenAt: row.seenAt === null ? null : '2026-01-01T00:00:00.000Z',
})
export const idOf = (row: Row) => `${row.shelf}:${row.number}`

/** A number that compares as the numeric does: nine decimals. */
function scaled(weight: string): bigint {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)\.?(\d*)$/.exec(plain(weight)) ?? []
  return BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`)
}

function compareValues(column: Column, one: Row, other: Row): number {
  if (column === 'shelf' || column === 'status' || column === 'label') {
    return compareBytes(one[column] ?? '', other[column] ?? '')
  }
  const of = (row: Row): bigint =>
    column === 'weight' ? scaled(row.weight) : BigInt(row[column] ?? 0)
  return Number(of(one) > of(other)) - Number(of(one) < of(other))
}

const keysOf = ({ keys }: Sort): readonly { column: Column; isDown: boolean }[] => {
  const named = keys.map(({ field, isDown }) => ({ column: field as Column, isDown }))
  const isDown = named.at(-1)?.isDown ?? false
  const rest = (['shelf', 'number'] as const).filter((key) =>
    named.every(({ column }) => column !== key),
  )
  return [...named, ...rest.map((column) => ({ column, isDown }))]
}

export const orderOf =
  (sort: Sort) =>
  (one: Row, other: Row): number => {
    for (const { column, isDown } of keysOf(sort)) {
      const [isNull, isOtherNull] = [one[column] === null, other[column] === null]
      if (isNull !== isOtherNull) {
        return isNull === (sort.nulls === 'first') ? -1 : 1
      }
      const compared = isNull ? 0 : compareValues(column, one, other)
      if (compared !== 0) {
        return isDown ? -compared : compared
      }
    }
    return 0
  }

/** A key's texts with its instants as the model writes them: microseconds. */
export const readKey = (sort: Sort, key: SortKeyText | undefined) =>
  key?.map((value, index) => {
    const column = keysOf(sort)[index]?.column
    return column && isInstant(column) && value !== null
      ? String(Math.round(Number(`0${/\.\d+/.exec(value)?.[0] ?? ''}`) * 1e6))
      : value
  })
export const keyOf = (sort: Sort, row: Row | undefined) =>
  row &&
  keysOf(sort).map(({ column }) => {
    const value = row[column]
    return value === null ? null : column === 'weight' ? plain(row.weight) : String(value)
  })

/** The table of the specimens. */
export const table = sql`
  create table specimens (
    shelf text collate "C", number bigint, status text collate "C" not null, label text collate "C", score integer,
    weight numeric not null, big bigint not null, found_at timestamptz not null, seen_at timestamptz,
    primary key (shelf, number))`
