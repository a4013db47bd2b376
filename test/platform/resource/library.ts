import { defineEntity, p } from '@mikro-orm/core'
import { sql } from 'kysely'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many, one } from '#platform/resource/expansion'
import { integer, nullable, sequence, text } from '#platform/resource/fields'

// Three tables that expand into each other, in every way that a row may not be there: of another organisation or member,
// removed, not yet shown, no longer shown. A field and an expansion are called `item`, as the engine's own join is.

const instantAt = () => p.datetime().columnType('timestamptz').nullable()

const Author = defineEntity({
  name: 'Author',
  tableName: 'authors',
  properties: {
    id: p.text().collation('C').primary(),
    organisationId: p.uuid(),
    memberId: p.uuid().nullable(),
    item: p.text(),
    removedAt: instantAt(),
  },
})
const Book = defineEntity({
  name: 'Book',
  tableName: 'books',
  properties: {
    id: p.bigint('string').primary(),
    organisationId: p.uuid(),
    authorId: p.text().nullable(),
    title: p.text().collation('C'),
    shownFrom: instantAt(),
    shownUntil: instantAt(),
  },
})
const Review = defineEntity({
  name: 'Review',
  tableName: 'reviews',
  properties: {
    id: p.bigint('string').primary(),
    organisationId: p.uuid(),
    memberId: p.uuid().nullable(),
    bookId: p.bigint('string').nullable(),
    score: p.integer().nullable(),
    shownUntil: instantAt(),
    isPublic: p.boolean(),
  },
})

export const libraryEntities = [Author, Book, Review]

const shared = { cache: 'short', page: { limitDefault: 3, limitMax: 10 } } as const

export const authors: Resource = defineResource({
  ...shared,
  name: 'authors',
  noun: 'author',
  entity: Author,
  scope: 'authors:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  removedAt: 'removedAt',
  fields: { id: text('id'), item: text('item') },
  hidden: ['organisationId', 'memberId', 'removedAt'],
  sorts: ['id'],
  expand: { books: many(() => booksOfAuthor, 2) },
})

const bookFields = {
  id: sequence('id'),
  authorId: nullable(text('authorId')),
  title: text('title'),
}
const bookShape = {
  ...shared,
  noun: 'book',
  entity: Book,
  scope: 'books:read',
  visibility: { organisation: 'organisationId' },
  boundary: { from: 'shownFrom', until: 'shownUntil' },
  fields: bookFields,
  hidden: ['organisationId', 'shownFrom', 'shownUntil'],
} as const

export const books: Resource = defineResource({
  ...bookShape,
  name: 'books',
  sorts: [{ by: ['title', '-authorId'], nulls: 'first' }, '-id'],
  expand: {
    author: one(() => authors, 'authorId'),
    item: one(() => authors, 'authorId'),
    reviews: many(() => reviews, 2),
  },
})

export const booksOfAuthor: Resource = defineResource({
  ...bookShape,
  name: 'books',
  parent: { resource: () => authors, column: 'authorId' },
  operations: 'list',
  sorts: ['-id'],
  expand: { author: one(() => authors, 'authorId') },
})

export const reviews: Resource = defineResource({
  ...shared,
  name: 'reviews',
  noun: 'review',
  entity: Review,
  scope: 'reviews:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  boundary: { until: 'shownUntil' },
  only: { isPublic: true },
  parent: { resource: () => books, column: 'bookId' },
  operations: 'list',
  fields: {
    id: sequence('id'),
    bookId: nullable(sequence('bookId')),
    score: nullable(integer('score')),
  },
  hidden: ['organisationId', 'memberId', 'shownUntil', 'isPublic'],
  sorts: [{ by: ['-score'], nulls: 'last' }],
  expand: { book: one(() => books, 'bookId') },
})

export const libraryTables = [
  sql`create table authors (id text collate "C" primary key, organisation_id uuid, member_id uuid, item text,
    removed_at timestamptz)`,
  sql`create table books (id bigint primary key, organisation_id uuid, author_id text, title text collate "C",
    shown_from timestamptz, shown_until timestamptz)`,
  sql`create table reviews (id bigint primary key, organisation_id uuid, member_id uuid, book_id bigint, score integer,
    shown_until timestamptz, is_public boolean)`,
]
