import { defineEntity, p } from '@mikro-orm/core'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { defineResource } from '#platform/resource/define-resource'
import { integer, text } from '#platform/resource/fields'
import { recordStatements } from '../../support/statements.ts'
import { openFixture, store, type Fixture } from './fixture.ts'

const vector = `to_tsvector('english', title)`

const Tune = defineEntity({
  name: 'Tune',
  tableName: 'tunes',
  properties: {
    id: p.integer().primary(),
    title: p.text().collation('C'),
    genre: p.text().collation('C'),
    search: p.string().columnType('tsvector').generated(`(${vector}) stored`).lazy(),
  },
})

const tunes = defineResource({
  name: 'tunes',
  noun: 'tune',
  entity: Tune,
  scope: 'tunes:read',
  visibility: 'public',
  cache: 'short',
  operations: 'list',
  fields: { id: integer('id'), title: text('title'), genre: text('genre') },
  hidden: ['search'],
  filters: { genre: 'oneOf', id: 'range' },
  search: { vector: 'search', similar: 'title' },
  sorts: ['-relevance', 'id'],
  page: { limitDefault: 100, limitMax: 100 },
})

const oddGenre = `it's "$1" \\ $2`
const oddTunes = defineResource({
  name: 'odd-tunes',
  noun: 'tune',
  entity: Tune,
  scope: 'tunes:read',
  visibility: 'public',
  cache: 'short',
  operations: 'list',
  only: { genre: oddGenre },
  fields: { id: integer('id') },
  hidden: ['title', 'genre', 'search'],
  filters: { id: 'range' },
  sorts: ['id'],
  page: { limitDefault: 100, limitMax: 100 },
})

const tables = [
  sql`create extension if not exists pg_trgm`,
  sql`create table tunes (id integer primary key, title text collate "C", genre text collate "C",
    search tsvector generated always as (to_tsvector('english', title)) stored)`,
  sql`create index on tunes using gin (search)`,
  sql`create index on tunes using gin (title gin_trgm_ops)`,
]

const titles = ['lantern', 'lantern lantern', 'lanterns of paper', 'paper', "it's 100% _paper_ \\"]

describe('a search', () => {
  let fixture: Fixture
  let statements: ReturnType<typeof recordStatements>

  before(async () => {
    const parts = { entities: [Tune], resources: [tunes, oddTunes], tables: [] }
    fixture = await openFixture(parts)
    statements = recordStatements(fixture.db)
    for (const table of tables) {
      await fixture.db.run(table)
    }
    const rows = Array.from({ length: 2000 }, (_, id) => ({
      id,
      title: titles[id] ?? (id < 40 ? titles[id % 5] : `filler ${id}`),
      genre: id % 2 === 0 ? 'jazz' : oddGenre,
    }))
    await fixture.db.run(sql`alter table tunes drop column search`)
    await store(fixture, 'tunes', rows)
    await fixture.db.run(
      sql`alter table tunes add search tsvector generated always as (to_tsvector('english', title)) stored`,
    )
    await fixture.db.run(sql`create index on tunes using gin (search)`)
    await fixture.db.run(sql`analyze tunes`)
  })
  after(() => fixture.lifecycle.stop())

  const query = (parameters: Readonly<Record<string, string>>) =>
    new URLSearchParams(parameters).toString()
  const thresholdOf = async () => {
    const setting = sql<{
      at: string
    }>`select current_setting('pg_trgm.word_similarity_threshold') as at`
    const [row] = await fixture.db.run(setting)
    return row?.at
  }

  it('walks over equal ranks in both directions with no gap and no repeat', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('lantern', 'papre', 'lantren paper', 'paper'),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        async (q, limits) => {
          const whole = await fixture.page(tunes, query({ q, limit: '100' }))
          expect(whole.ids.length).to.be.greaterThan(7)
          const walked: string[] = []
          let page = await fixture.page(tunes, query({ q, limit: '3' }))
          for (let turn = 0; ; turn += 1) {
            const shown: { id: number }[] = JSON.parse(page.body)
            walked.push(...shown.map(({ id }) => String(id)))
            if (!page.hasMore || !page.lastKey) {
              break
            }
            const position = { direction: 'next', key: page.lastKey } as const
            const limit = String(limits[turn % limits.length])
            page = await fixture.page(tunes, query({ q, limit }), { position })
          }
          expect(walked).to.deep.equal(whole.ids)
          const position = { direction: 'prev', key: page.firstKey ?? [] } as const
          const back = await fixture.page(tunes, query({ q, limit: '100' }), { position })
          const shown: { id: number }[] = JSON.parse(page.body)
          expect(back.ids).to.deep.equal(whole.ids.slice(0, whole.ids.length - shown.length))
        },
      ),
      { numRuns: 30 },
    )
  }).timeout(30_000)

  for (const q of [
    "'",
    '"',
    '""',
    '"unclosed',
    '-',
    '--',
    '- -',
    'or',
    'or or',
    '!',
    '&',
    '|',
    '<->',
    ':*',
    'a:*',
    'a & !b | (c',
    "lantern' or 1=1 --",
    '%',
    '_',
    '\\',
    '\\\\',
    '$1',
    '...,;!?',
    '(((',
    '😀',
    '́',
    '￿',
    'x'.repeat(200),
    `${'a '.repeat(99)}a`,
    '-lantern',
    '🎷'.repeat(100),
  ]) {
    it(`takes whatever somebody may look for: ${q.slice(0, 20)}`, async () => {
      const page = await fixture.page(tunes, query({ q, count: 'exact' }))
      expect(page.total).to.be.at.least(JSON.parse(page.body).length)
    })
  }

  for (const [what, q] of [
    ['200 characters and one', 'x'.repeat(201)],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['NUL', 'a\0b'],
    ['nothing but spaces', '  '],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await fixture.page(tunes, query({ q })).catch((reason: unknown) => reason)
      expect(error).to.have.nested.property('faults[0].pointer', '#/query/q')
    })
  }

  it('finds nothing by punctuation alone, and takes nothing for a pattern', async () => {
    for (const q of ['...', '%', '_', '%%%%', '\\']) {
      expect((await fixture.page(tunes, query({ q }))).ids, q).to.deep.equal([])
    }
  })

  it('is refused as an order where nothing is searched for', async () => {
    const search = query({ sort: '-relevance' })
    const error = await fixture.page(tunes, search).catch((reason: unknown) => reason)
    expect(error).to.have.nested.property('faults[0].pointer', '#/query/sort')
    const { ids } = await fixture.page(tunes, query({ limit: '2' }))
    expect(ids).to.deep.equal(['0', '1', '2'])
  })

  it('leaves the connection as it was', async () => {
    await fixture.page(tunes, query({ q: 'lantren' }))
    expect(await thresholdOf()).to.equal('0.6') // what pg_trgm begins with
    expect(fixture.db.pool.totalCount).to.equal(1)
  })

  it('finds a mistyped word by the index as without one', async () => {
    const found = new Set<string>()
    for (const off of ['enable_seqscan', 'enable_bitmapscan']) {
      await fixture.db.run(sql`select set_config(${off}, 'off', false)`)
      for (let turn = 0; turn < 7; turn += 1) {
        found.add((await fixture.page(tunes, query({ q: 'lantrn' }))).ids.join())
      }
      await fixture.db.run(sql`select set_config(${off}, 'on', false)`)
    }
    expect([...found]).to.have.length(1)
    expect([...found][0]?.split(',')).to.have.length.greaterThan(5)
  })

  for (const [search, least, most] of [
    [{}, 2000, 2000],
    [{ genre: 'jazz' }, 900, 1100],
    [{ genre: `jazz,${oddGenre}` }, 1800, 2000],
    [{ genre: `$1,\\,',"` }, 0, 100],
    [{ idFrom: '500' }, 1400, 1600],
    [{ q: "it's $1 \\" }, 1, 2000],
  ] as const) {
    it(`estimates how many there are without counting them: ${JSON.stringify(search)}`, async () => {
      statements.sent.length = 0
      const page = await fixture.page(tunes, query({ ...search, count: 'estimated', limit: '1' }))
      expect(page.total).to.be.within(least, most)
      expect(statements.sent).to.have.length(1)
      expect(statements.sent[0]?.text).to.not.include('select count(*) from')
    })
  }

  it('estimates with a declared value that looks like a parameter', async () => {
    const page = await fixture.page(oddTunes, query({ count: 'estimated', idBefore: '100' }))
    expect(page.total).to.be.within(30, 70)
  })

  it('never runs what it estimates', async () => {
    await fixture.db.run(sql`create table unread (id integer)`)
    const [row] = await fixture.db.run(
      sql<{
        n: number
      }>`select estimate_rows('select 1 / (select count(*) from unread)', array['x']::text[]) as n`,
    )
    expect(Number(row?.n)).to.equal(1)
  })
})
