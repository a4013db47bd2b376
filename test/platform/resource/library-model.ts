import type { Selection } from '#platform/resource/selection'
import { compareBytes } from './fixture.ts'

// What the library's resources show, by joins in memory.

export type Author = Owned & {
  readonly id: string
  readonly memberId: string | null
  readonly item: string
  readonly isRemoved: boolean
}
export type Book = Owned & {
  readonly id: string
  readonly authorId: string | null
  readonly title: string
  readonly from: number | null
  readonly until: number | null
}
export type Review = Owned & {
  readonly id: string
  readonly memberId: string | null
  readonly bookId: string | null
  readonly score: number | null
  readonly until: number | null
  readonly isPublic: boolean
}
type Owned = { readonly organisationId: string }

export type Library = {
  readonly authors: readonly Author[]
  readonly books: readonly Book[]
  readonly reviews: readonly Review[]
}

/** Who reads, and when: microseconds after an instant. */
export type Reading = {
  readonly organisationId: string
  readonly memberId?: string
  readonly at: number
}

export type Item = Readonly<Record<string, unknown>>
export const caps = { books: 2, reviews: 2 }

/** What one reader sees of the library. */
export function viewOf(library: Library, { organisationId, memberId, at }: Reading) {
  const isOwn = (row: Owned) => row.organisationId === organisationId
  const isMine = (row: { memberId: string | null }) =>
    memberId === undefined || row.memberId === memberId
  const isBefore = (until: number | null) => until === null || until > at
  const authors = library.authors
    .filter((row) => isOwn(row) && isMine(row) && !row.isRemoved)
    .toSorted((one, other) => compareBytes(one.id, other.id))
  const allBooks = library.books.filter(isOwn)
  const books = allBooks
    .filter(({ from, until }) => from !== null && from <= at && isBefore(until))
    .toSorted(orderOfBooks)
  const reviews = library.reviews
    .filter((row) => isOwn(row) && isMine(row) && row.isPublic && isBefore(row.until))
    .toSorted(orderOfReviews)

  const booksBelow = (authorId: string) =>
    books
      .filter((book) => book.authorId === authorId)
      .toSorted((one, other) => Number(other.id) - Number(one.id))
  const reviewsBelow = (bookId: string) => reviews.filter((one) => one.bookId === bookId)

  const showAuthor = (row: Author, selection: Selection): Item =>
    shown({ id: row.id, item: row.item }, selection, {
      books: (below) => listed(booksBelow(row.id), caps.books, (book) => showBook(book, below)),
    })
  const authorOf = (row: Book) => (below: Selection) => {
    const author = authors.find(({ id }) => id === row.authorId)
    return author ? showAuthor(author, below) : null
  }
  const showBook = (row: Book, selection: Selection): Item =>
    shown({ id: row.id, authorId: row.authorId, title: row.title }, selection, {
      author: authorOf(row),
      item: authorOf(row),
      reviews: (below) =>
        listed(reviewsBelow(row.id), caps.reviews, (review) => showReview(review, below)),
    })
  const showReview = (row: Review, selection: Selection): Item =>
    shown({ id: row.id, bookId: row.bookId, score: row.score }, selection, {
      book(below) {
        const book = books.find(({ id }) => id === row.bookId)
        return book ? showBook(book, below) : null
      },
    })
  return { authors, books, booksBelow, reviewsBelow, showAuthor, showBook, showReview }
}

const orderOfBooks = (one: Book, other: Book): number =>
  compareBytes(one.title, other.title) ||
  Number(other.authorId === null) - Number(one.authorId === null) ||
  -compareBytes(one.authorId ?? '', other.authorId ?? '') ||
  Number(other.id) - Number(one.id)

const orderOfReviews = (one: Review, other: Review): number =>
  Number(one.score === null) - Number(other.score === null) ||
  (other.score ?? 0) - (one.score ?? 0) ||
  Number(other.id) - Number(one.id)

function shown(
  fields: Item,
  selection: Selection,
  expand: Readonly<Record<string, (below: Selection) => unknown>>,
): Item {
  const chosen = Object.entries(fields).filter(([name]) => selection.fields?.includes(name) ?? true)
  const expanded = Object.entries(selection.expand).map(([name, below]) => [
    name,
    expand[name]?.(below),
  ])
  return Object.fromEntries([...chosen, ...expanded])
}

function listed<Row>(rows: readonly Row[], cap: number, show: (row: Row) => Item) {
  return { data: rows.slice(0, cap).map(show), hasMore: rows.length > cap }
}
