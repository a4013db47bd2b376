import { expect } from 'chai'
import * as fc from 'fast-check'
import type { Filled } from '#platform/resource/filled'
import { parseItemQuery, parseListQuery, parseOffsetQuery } from '#platform/resource/list-query'
import { everything } from '#platform/resource/selection'
import { recordStatements } from '../../support/statements.ts'
import { openFixture, store, type Fixture } from './fixture.ts'
import {
  authors,
  books,
  booksOfAuthor,
  libraryEntities,
  libraryTables,
  reviews,
} from './library.ts'
import { viewOf, type Item, type Library, type Reading } from './library-model.ts'

const [ours, theirs] = [1, 2].map((n) => `${n}1111111-1111-4111-8111-111111111111`) as [
  string,
  string,
]
const [mine, another] = [3, 4].map((n) => `${n}1111111-1111-4111-8111-111111111111`) as [
  string,
  string,
]
const organisation = fc.constantFrom(...Array<string>(7).fill(ours), theirs)
const member = fc.constantFrom(mine, mine, another, null)
/** Microseconds after one instant; reads happen from 0 to 9. */
const micros = fc.integer({ min: -1, max: 9 })
const instantOf = (at: number | null) =>
  at === null ? null : `2026-01-01T00:00:00.0000${String(10 + at).padStart(2, '0')}Z`

const authorIds = ['a', 'a,b', '\u{1f600}'] as const
const library: fc.Arbitrary<Library> = fc.record({
  authors: fc
    .array(
      fc.record({
        organisationId: organisation,
        memberId: member,
        item: fc.constantFrom('x', '\u{1f600}é"\\', 'é'),
        isRemoved: fc.constantFrom(false, false, true),
        isThere: fc.constantFrom(true, true, false),
      }),
      { minLength: 3, maxLength: 3 },
    )
    .map((rows) =>
      rows.flatMap(({ isThere, ...row }, at) =>
        isThere ? [{ ...row, id: authorIds[at] ?? '' }] : [],
      ),
    ),
  books: fc
    .array(
      fc.record({
        organisationId: organisation,
        authorId: fc.option(fc.constantFrom(...authorIds, 'nobody'), { freq: 5 }),
        title: fc.constantFrom('T', 'é', '\u{1f600}'),
        from: fc.oneof({ arbitrary: fc.constant(-1), weight: 4 }, fc.option(micros)),
        until: fc.option(micros, { freq: 2 }),
      }),
      { minLength: 2, maxLength: 7 },
    )
    .map((rows) => rows.map((row, index) => ({ ...row, id: String(index) }))),
  reviews: fc
    .array(
      fc.record({
        organisationId: organisation,
        memberId: member,
        bookId: fc.constantFrom('0', '0', '1', '2', '99', null),
        score: fc.option(fc.nat(2)),
        until: fc.option(micros, { freq: 2 }),
        isPublic: fc.constantFrom(true, true, true, false),
      }),
      { maxLength: 9 },
    )
    .map((rows) => rows.map((row, index) => ({ ...row, id: String(index) }))),
})
const reading = fc.record(
  {
    organisationId: fc.constant(ours),
    at: fc.integer({ min: 0, max: 7 }),
    memberId: fc.constant(mine),
  },
  { requiredKeys: ['organisationId', 'at'] },
)

const wishesOfBooks = fc.constantFrom(
  '',
  'expand=author',
  'expand=item&fields=id,item.item',
  'expand=author,reviews&fields=title',
  'expand=reviews&fields=reviews.score,id',
  'expand=reviews.book&fields=id,reviews.id,reviews.book.title',
  'expand=author.books,reviews.book,item',
  'expand=author.books&fields=author.books.id',
)
const wishesOfAuthors = fc.constantFrom(
  '',
  'expand=books',
  'expand=books.author&fields=item,books.id',
)
const wishesOfReviews = fc.constantFrom('', 'expand=book', 'expand=book.reviews,book.author')

describe('what expands into each other and comes and goes by the clock', () => {
  let fixture: Fixture
  let statements: ReturnType<typeof recordStatements>
  let now = ''

  before(async () => {
    const clock = { now: () => Object.assign(new Date(0), { toISOString: () => now }) }
    const resources = [authors, books, booksOfAuthor, reviews]
    const parts = { entities: libraryEntities, resources, tables: [], clock }
    fixture = await openFixture(parts)
    statements = recordStatements(fixture.db)
    for (const table of libraryTables) {
      await fixture.db.run(table)
    }
  })
  after(() => fixture.lifecycle.stop())

  const keep = async (held: Library): Promise<void> => {
    await store(
      fixture,
      'authors',
      held.authors.map((row) => ({
        ...row,
        organisation_id: row.organisationId,
        member_id: row.memberId,
        removed_at: row.isRemoved ? '2020-01-01T00:00:00Z' : null,
      })),
    )
    await store(
      fixture,
      'books',
      held.books.map((row) => ({
        ...row,
        organisation_id: row.organisationId,
        author_id: row.authorId,
        shown_from: instantOf(row.from),
        shown_until: instantOf(row.until),
      })),
    )
    await store(
      fixture,
      'reviews',
      held.reviews.map((row) => ({
        ...row,
        organisation_id: row.organisationId,
        member_id: row.memberId,
        book_id: row.bookId,
        shown_until: instantOf(row.until),
        is_public: row.isPublic,
      })),
    )
  }

  /** Everything that is in the answer at an instant, as the model has it. */
  type AnswerAt = (at: number) => unknown

  /** From now until `validUntil` the answer is the same; without one it stays so for good. */
  function expectLasting(
    { validUntil }: Pick<Filled, 'validUntil'>,
    at: number,
    answerAt: AnswerAt,
  ): void {
    const until =
      validUntil === undefined ? 100 : Number(/\.0000(\d\d)\+00:00$/.exec(validUntil)?.[1]) - 10
    expect(until).to.be.greaterThan(at)
    for (let later = at; later < Math.min(until, 12); later += 1) {
      expect(answerAt(later), `the answer at ${later}, said to last until ${until}`).to.deep.equal(
        answerAt(at),
      )
    }
  }

  const scopeOf = ({ organisationId, memberId }: Reading) => ({
    organisationId,
    ...(memberId !== undefined && { memberId }),
  })
  /** Runs one read at its instant, and counts what the database was sent. */
  async function once<Answer>({ at }: Reading, read: () => Promise<Answer>): Promise<Answer> {
    now = instantOf(at) ?? ''
    statements.sent.length = 0
    const answer = await read()
    expect(statements.sent).to.have.length(1)
    return answer
  }

  it('lists and shows what joins in memory give, in one statement, for as long as it says', async () => {
    const property = async (
      held: Library,
      who: Reading,
      { wishes, limit, isCounted }: { wishes: string; limit: number; isCounted: boolean },
    ): Promise<void> => {
      await keep(held)
      const scope = scopeOf(who)
      const search = `${wishes}&limit=${limit}${isCounted ? '&count=exact' : ''}`.replace(/^&/, '')
      const { selection } = parseListQuery({ resource: books, scope }, search, [])
      const answerAt = (at: number) => {
        const view = viewOf(held, { ...who, at })
        return {
          data: view.books.slice(0, limit).map((book) => view.showBook(book, selection)),
          hasMore: view.books.length > limit,
          ...(isCounted && { total: view.books.length }),
        }
      }
      const page = await once(who, () => fixture.page(books, search, { scope }))
      const { hasMore, total } = page
      const data: Item[] = JSON.parse(page.body)
      expect({ data, hasMore, ...(isCounted && { total }) }).to.deep.equal(answerAt(who.at))
      const seen = viewOf(held, who).books.slice(0, limit + 1)
      expect(page.ids).to.deep.equal(seen.map(({ id }) => id))
      const named = [...new Set(seen.flatMap(({ authorId }) => authorId ?? []))]
      const toOne = Object.keys(selection.expand).filter((name) => name !== 'reviews')
      expect(Object.keys(page.references)).to.deep.equal(toOne)
      for (const name of toOne) {
        expect(page.references[name]).to.have.members(named)
      }
      expectLasting(page, who.at, answerAt)

      const id = '0'
      const item = await once(who, () =>
        fixture.reader
          .item({ resource: books, scope, id, selection: parseItemQuery(books, wishes) })
          .run(fixture.db),
      )
      const itemAt = (at: number) => {
        const view = viewOf(held, { ...who, at })
        const book = view.books.find((one) => one.id === id)
        return book && view.showBook(book, selection)
      }
      expect(item.body && JSON.parse(item.body)).to.deep.equal(itemAt(who.at))
      expect(item.ids).to.deep.equal(item.body === undefined ? [] : [id])
      expectLasting(item, who.at, itemAt)
    }
    await fc.assert(
      fc.asyncProperty(
        library,
        reading,
        fc.record({
          wishes: wishesOfBooks,
          limit: fc.integer({ min: 1, max: 4 }),
          isCounted: fc.boolean(),
        }),
        property,
      ),
      { numRuns: 400 },
    )
  }).timeout(60_000)

  it('lists below an item that comes and goes itself, and by page number with the total', async () => {
    const property = async (
      held: Library,
      who: Reading,
      [wishes, wishesBelow, limit]: readonly [string, string, number],
    ): Promise<void> => {
      await keep(held)
      const scope = scopeOf(who)
      const { selection } = parseListQuery({ resource: reviews, scope }, wishesBelow, [])
      const answerAt = (at: number) => {
        const view = viewOf(held, { ...who, at })
        const isParentFound = view.books.some(({ id }) => id === '0')
        const rows = view.reviewsBelow('0')
        const data = rows.slice(0, limit).map((one) => view.showReview(one, selection))
        return {
          isParentFound,
          data: isParentFound ? data : [],
          hasMore: isParentFound && rows.length > limit,
        }
      }
      const page = await once(who, () =>
        fixture.page(reviews, `${wishesBelow}&limit=${limit}`.replace(/^&/, ''), {
          scope,
          parentId: '0',
        }),
      )
      const { isParentFound } = page
      expect({
        isParentFound,
        data: isParentFound ? JSON.parse(page.body) : [],
        hasMore: isParentFound && page.hasMore,
      }).to.deep.equal(answerAt(who.at))
      expectLasting(page, who.at, answerAt)

      const ofAuthors = parseListQuery({ resource: authors, scope }, wishes, []).selection
      const authorsAt = (at: number) => {
        const view = viewOf(held, { ...who, at })
        return view.authors.slice(0, limit).map((one) => view.showAuthor(one, ofAuthors))
      }
      const list = await once(who, () =>
        fixture.page(authors, `${wishes}&limit=${limit}`.replace(/^&/, ''), { scope }),
      )
      expect(JSON.parse(list.body)).to.deep.equal(authorsAt(who.at))
      expectLasting(list, who.at, authorsAt)

      const query = parseOffsetQuery(books, `limit=${limit}&page=2`)
      const numberedAt = (at: number) => {
        const view = viewOf(held, { ...who, at })
        const rows = view.books.slice(limit, limit * 2)
        return { data: rows.map((one) => view.showBook(one, everything)), total: view.books.length }
      }
      const numbered = await once(who, () =>
        fixture.reader.offsetPage({ resource: books, scope }, query).run(fixture.db),
      )
      expect({ data: JSON.parse(numbered.body), total: numbered.total }).to.deep.equal(
        numberedAt(who.at),
      )
      expectLasting(numbered, who.at, numberedAt)
    }
    await fc.assert(
      fc.asyncProperty(
        library,
        reading,
        fc.tuple(wishesOfAuthors, wishesOfReviews, fc.integer({ min: 1, max: 3 })),
        property,
      ),
      { numRuns: 400 },
    )
  }).timeout(60_000)

  for (const [search, parameter] of [
    ['expand=author.books.author', 'expand'],
    ['expand=reviews.book.reviews.book', 'expand'],
    ['expand=author.nothing', 'expand'],
    ['expand=author.', 'expand'],
    ['expand=__proto__', 'expand'],
    ['expand=constructor,toString', 'expand'],
    ['expand=author.__proto__', 'expand'],
    ['fields=author.id', 'fields'],
    ['fields=__proto__', 'fields'],
    ['fields=id,constructor', 'fields'],
    ['expand=author&fields=author.toString', 'fields'],
    ['expand=author&fields=author.organisationId', 'fields'],
    ['fields=shownFrom', 'fields'],
  ] as const) {
    it(`refuses ${search}`, () => {
      const parse = () => parseListQuery({ resource: books, scope: {} }, search, [])
      expect(parse).to.throw().with.nested.property('faults[0].pointer', `#/query/${parameter}`)
    })
  }
})
