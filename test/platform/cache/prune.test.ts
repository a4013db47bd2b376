import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { pruneChangeLog } from '#platform/cache/prune'
import type { Database } from '#platform/database/database'
import { openTestDatabase } from '../../support/database.ts'
import { createDatabase } from '../../support/servers.ts'

type Epoch = { readonly id: string; readonly floor: string; readonly mark: string }

describe('pruning the change log', () => {
  let db: Database
  let url: string
  let close: () => Promise<void>
  before(async () => {
    url = await createDatabase()
    ;({ db, close } = await openTestDatabase(url))
  })
  after(() => close())
  beforeEach(async () => {
    await db.run(sql`truncate change_log`)
    await db.run(sql`truncate cache_epoch`)
    await db.run(sql`insert into cache_epoch default values`)
  })

  const change = (name: string) => db.run(sql`insert into change_log (relation) values (${name})`)
  const left = async () =>
    (await db.run(sql<{ relation: string }>`select relation from change_log order by xid`)).map(
      ({ relation }) => relation,
    )
  const epochs = () =>
    db.run(sql<Epoch>`select id, floor::text as floor, mark::text as mark from cache_epoch`)
  const age = (seconds: number) =>
    db.run(
      sql`update cache_epoch set marked_at = now() - make_interval(secs => ${seconds}::float8)`,
    )
  const prune = () => pruneChangeLog(db, { retentionSeconds: 60 })

  it('deletes nothing before the retention is over', async () => {
    await change('a')
    await age(59)
    const before = await epochs()
    expect(await prune()).to.deep.equal({ deletedCount: 0 })
    expect([await left(), await epochs()]).to.deep.equal([['a'], before])
  })

  it('keeps each change for at least the retention, and says below what nothing is left', async () => {
    await change('a')
    await age(61)
    const [first] = await epochs()
    expect(await prune()).to.deep.equal({ deletedCount: 0 })
    const [second] = await epochs()
    expect([second?.id, second?.floor]).to.deep.equal([first?.id, first?.mark])
    await change('b')
    await age(61)
    expect(await prune()).to.deep.equal({ deletedCount: 1 })
    const [third] = await epochs()
    expect([await left(), third?.floor]).to.deep.equal([['b'], second?.mark])
  })

  it('keeps what was written by a transaction that was running at the mark', async () => {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`begin; insert into change_log (relation) values ('slow')`)
    await change('quick')
    await age(61)
    await prune()
    await client.query('commit')
    await client.end()
    await age(61)
    expect(await prune()).to.deep.equal({ deletedCount: 1 })
    expect(await left()).to.deep.equal(['slow'])
  })

  it('by several at once moves the floor once', async () => {
    await change('a')
    await age(61)
    await prune()
    await change('b')
    await age(61)
    const [marked] = await epochs()
    const all = await Promise.all([1, 2, 3, 4].map(prune))
    expect(
      all.map(({ deletedCount }) => deletedCount).toSorted((one, other) => one - other),
    ).to.deep.equal([0, 0, 0, 1])
    const [pruned] = await epochs()
    expect([await left(), pruned?.floor]).to.deep.equal([['b'], marked?.mark])
  })

  it('begins an epoch where there is none, as after a crash', async () => {
    await db.run(sql`truncate cache_epoch`)
    await change('a')
    const results = await Promise.all([1, 2, 3, 4].map(prune))
    expect(results.every(({ deletedCount }) => deletedCount === 0)).to.equal(true)
    expect(await epochs()).to.have.length(1)
    expect(await left()).to.deep.equal(['a'])
  })

  it('leaves a rotated epoch its floor', async () => {
    await change('a')
    await age(61)
    const [before] = await epochs()
    await db.run(sql`select rotate_cache_epoch()`)
    const [rotated] = await epochs()
    expect(rotated?.id).not.to.equal(before?.id)
    expect(rotated?.floor).to.equal(rotated?.mark)
    await prune()
    expect(await epochs()).to.deep.equal([rotated])
  })
})
