import { expect } from 'chai'
import fc from 'fast-check'
import type { ChangedRow } from '#platform/cache/change'
import type { Interval, Membership } from '#platform/cache/dependencies'
import { concerns } from '#platform/cache/membership'

// Pages of a list in memory, changed at random: whatever changes a page must concern it, by a row that is on it or by where
// its interval lies.

type Row = { readonly id: string; readonly at: string; readonly status: string }

const row = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
  // the same instants in two zones, and a microsecond apart
  at: fc.constantFrom(
    '2026-01-01T00:00:00+00:00',
    '2026-01-01T02:00:00+02:00',
    '2026-01-01T00:00:00.000001+00:00',
    '2026-01-01T00:00:01.5+00:00',
    '2026-01-02T00:00:00-05:30',
  ),
  status: fc.constantFrom('open', 'paid', 'gone'),
})
const table = fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 7 })

const microseconds = (at: string): number => {
  const [, whole = '', fraction = '', zone = ''] = /^([^.+]{19})(\.\d+)?(.*)$/.exec(at) ?? []
  return Date.parse(`${whole}${zone}`) * 1000 + Math.round(Number(`0${fraction}`) * 1_000_000)
}
const compare = (one: Row, other: Row): number =>
  microseconds(one.at) - microseconds(other.at) ||
  (one.id < other.id ? -1 : Number(one.id > other.id))

type Asked = {
  readonly statuses: readonly string[]
  readonly isDown: boolean
  readonly limit: number
  readonly after: Row | undefined
  readonly isBack: boolean
}

/** The rows that are fetched for a page, the one beyond it last. */
function fetched(
  rows: readonly Row[],
  { statuses, isDown, limit, after, isBack }: Asked,
): readonly Row[] {
  const sign = isDown === isBack ? 1 : -1
  const forward = (one: Row, other: Row): number => sign * compare(one, other)
  return rows
    .filter(({ status }) => statuses.includes(status))
    .filter((one) => !after || forward(one, after) > 0)
    .toSorted(forward)
    .slice(0, limit + 1)
}

function membershipOf(rows: readonly Row[], asked: Asked): Membership {
  const page = fetched(rows, asked)
  const key = (one: Row | undefined) => one && [one.at, one.id]
  const end = page.length > asked.limit ? key(page[asked.limit - 1]) : undefined
  const [first, last] = asked.isBack ? [end, key(asked.after)] : [key(asked.after), end]
  const interval: Interval = {
    columns: [
      { name: 'at', type: 'instant' },
      { name: 'id', type: 'text' },
    ],
    isDown: asked.isDown,
    ...(first && { first }),
    ...(last && { last }),
  }
  return { collection: 'rows', equal: [['status', asked.statuses]], interval }
}

const asked = fc.record({
  statuses: fc.constantFrom(['open'], ['open', 'paid']),
  isDown: fc.boolean(),
  limit: fc.integer({ min: 1, max: 3 }),
  after: fc.option(row, { nil: undefined }),
  isBack: fc.boolean(),
})

describe('membership of a page', () => {
  it('is concerned by every change that changes the page', () => {
    let changed = 0
    fc.assert(
      fc.property(table, asked, row, fc.boolean(), (rows, question, next, isRemoval) => {
        const old = rows.find(({ id }) => id === next.id)
        const others = rows.filter(({ id }) => id !== next.id)
        const after = isRemoval ? others : [...others, next]
        const [before, now] = [fetched(rows, question), fetched(after, question)]
        // What is shown of the row beyond the page is only that it is there.
        const shown = (page: readonly Row[]) => [page.slice(0, question.limit), page.length]
        if (JSON.stringify(shown(before)) === JSON.stringify(shown(now))) {
          return
        }
        changed += 1
        const change: { old?: ChangedRow; new?: ChangedRow } = {
          ...(old && { old }),
          ...(!isRemoval && { new: next }),
        }
        const isOnPage = before.some(({ id }) => id === next.id)
        expect(isOnPage || concerns(membershipOf(rows, question), change)).to.equal(true)
      }),
      { numRuns: 20_000, seed: 4 },
    )
    expect(changed).to.be.greaterThan(2_000)
  })

  const deep: Membership = {
    collection: 'rows',
    equal: [['status', ['open']]],
    interval: {
      columns: [{ name: 'n', type: 'number' }],
      isDown: true,
      first: ['90'],
      last: ['80'],
    },
  }
  const at = (n: string | null, status = 'open'): ChangedRow => ({ n, status })

  it('is left alone by what happens outside its interval, and by what never had its values', () => {
    expect(concerns(deep, { new: at('100') })).to.equal(false)
    expect(concerns(deep, { old: at('79') })).to.equal(false)
    expect(concerns(deep, { new: at('85', 'paid') })).to.equal(false)
    expect(concerns(deep, { old: at('100'), new: at('70') })).to.equal(false)
  })

  it('is concerned by rows that come into it, leave it or move in it, numbers compared as numbers', () => {
    expect(concerns(deep, { new: at('85') })).to.equal(true)
    expect(concerns(deep, { new: at('9') })).to.equal(false)
    expect(concerns(deep, { old: at('85'), new: at('100') })).to.equal(true)
    expect(concerns(deep, { old: at('85', 'open'), new: at('85', 'paid') })).to.equal(true)
    expect(concerns(deep, { old: at('85', 'paid'), new: at('85', 'open') })).to.equal(true)
  })

  it('is not concerned by a change of nothing that decides where a row appears', () => {
    expect(concerns(deep, { old: at('85'), new: at('85') })).to.equal(false)
  })

  it('takes what cannot be compared for a row that may be anywhere', () => {
    expect(concerns(deep, { new: at(null) })).to.equal(true)
    expect(concerns(deep, { new: { status: 'open' } })).to.equal(true)
    expect(concerns(deep, { new: { n: '85' } })).to.equal(true)
  })

  it('orders texts by code points, where JavaScript would order by its own units', () => {
    const interval: Interval = {
      columns: [{ name: 'title', type: 'text' }],
      isDown: false,
      first: ['\u{1f3ee}'],
    }
    const list = { collection: 'rows', equal: [], interval }
    expect(concerns(list, { new: { title: '\uffee' } })).to.equal(false)
    expect(concerns(list, { new: { title: '\u{1f3ef}' } })).to.equal(true)
  })
})
