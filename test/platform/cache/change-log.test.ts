import { expect } from 'chai'
import { unwatch, watch } from '#platform/cache/watch'
import { insertThings, openChangeLog, thing, type ChangeLogFixture } from './change-log.ts'

const one = (number: number, more: Readonly<Record<string, string | null>> = {}) => {
  return { id: thing(number), owner: 'ann', name: 'Mug', price: null, at: null, ...more }
}
const told = (...rows: readonly unknown[]) => [{ relation: 'things', rows }]
const where = (number: number) => `where id = '${thing(number)}'`

describe('what a statement changed', () => {
  let log: ChangeLogFixture
  before(async () => {
    log = await openChangeLog()
  })
  after(() => log.close())
  beforeEach(() => log.client.query(`delete from things; ${insertThings(1, 3)}`))

  it('is told in one row of the log: each row as it was and as it is', async () => {
    expect(await log.told(insertThings(7, 8))).to.deep.equal(told([null, one(7)], [null, one(8)]))
    expect(await log.told(`update things set owner = 'bob' ${where(7)}`)).to.deep.equal(
      told([one(7), one(7, { owner: 'bob' })]),
    )
    expect(await log.told(`delete from things ${where(8)}`)).to.deep.equal(told([one(8), null]))
  })

  it('is stamped with the transaction that changed it', async () => {
    const before = await log.client.query('select pg_current_xact_id_if_assigned() as xid')
    expect(before.rows[0].xid).to.equal(null)
    await log.client.query(`begin; truncate change_log; ${insertThings(7)}`)
    const { rows } = await log.client.query(
      'select xid = pg_current_xact_id() as "isOurs" from change_log',
    )
    await log.client.query('commit')
    expect(rows).to.deep.equal([{ isOurs: true }])
  })

  it('leaves nothing when no row was touched', async () => {
    expect(
      await log.told(
        `update things set owner = 'bob' ${where(99)}`,
        `delete from things ${where(99)}`,
        `insert into things (id) select id from things ${where(99)}`,
        `${insertThings(1)} on conflict do nothing`,
      ),
    ).to.deep.equal([])
  })

  it('leaves nothing when it was rolled back, also to a savepoint', async () => {
    const change = `update things set owner = 'bob'`
    expect(
      await log.told(
        `begin; ${change}; rollback`,
        `begin; savepoint a; ${change}; rollback to a; commit`,
      ),
    ).to.deep.equal([])
  })

  it('is told of a column that is only shown, without its value', async () => {
    for (const change of [
      `note = 'new'`,
      `doc = '{"a": 1}'`,
      `list = '{a,NULL}'`,
      `blob = '\\x00ff'`,
      `ratio = 'NaN'`,
    ]) {
      const rows = await log.told(`update things set ${change} ${where(1)}`)
      expect(rows, change).to.deep.equal(told([one(1), one(1)]))
    }
  })

  it('is nothing when no watched column changed, in however many rows', async () => {
    await log.client.query(insertThings(1001, 3000))
    expect(
      await log.told(
        'update things set seen = seen + 1',
        'update things set owner = owner, doc = doc, note = note',
      ),
    ).to.deep.equal([])
  })

  it('names only the rows in which a watched column changed', async () => {
    const rows = await log.told(
      `update things set seen = 1, owner = case when ${where(2).slice(6)} then 'bob' else owner end`,
    )
    expect(rows).to.deep.equal(told([one(2), one(2, { owner: 'bob' })]))
  })

  it('is told byte by byte, for equal values may show different texts', async () => {
    expect(await log.told(`update things set name = 'mug' ${where(1)}`)).to.deep.equal(
      told([one(1), one(1, { name: 'mug' })]),
    )
    await log.client.query('update things set price = 1.5')
    expect(await log.told(`update things set price = 1.50 ${where(2)}`)).to.deep.equal(
      told([one(2, { price: '1.5' }), one(2, { price: '1.50' })]),
    )
    await log.client.query('update things set price = null, ratio = 0')
    expect(await log.told(`update things set ratio = '-0' ${where(3)}`)).to.deep.equal(
      told([one(3), one(3)]),
    )
  })

  it('is a row that went and one that came when the primary key changed', async () => {
    const [change] = await log.told(`update things set id = '${thing(9)}' ${where(1)}`)
    expect(change?.rows).to.have.deep.members([
      [one(1), null],
      [null, one(9)],
    ])
  })

  it('is told row by row up to 500, of more only that the table changed', async () => {
    const counts = async (statement: string) =>
      (await log.told(statement)).map(({ rows }) => rows?.length ?? 'any')
    expect(await counts(insertThings(1001, 1500))).to.deep.equal([500])
    expect(await counts(insertThings(2001, 2501))).to.deep.equal(['any'])
    expect(await counts(`update things set owner = 'bob'`)).to.deep.equal(['any'])
    expect(await counts(`update things set owner = 'eve' ${where(1)}`)).to.deep.equal([1])
    expect(await counts('delete from things')).to.deep.equal(['any'])
  })

  it('holds whatever values there are', async () => {
    const hard = `"quoted" \\ back\nline 𝄞 ' $$`
    await log.client.query('update things set note = $1::text, owner = $1::text, name = $1::text', [
      hard,
    ])
    const rows = await log.told(
      `update things set at = 'infinity', price = 'NaN', ratio = '-Infinity' ${where(1)}`,
      `update things set at = '-infinity' ${where(1)}`,
      `update things set at = '0044-03-15 12:00Z BC' ${where(1)}`,
      `update things set at = null, price = null, owner = null, name = null, doc = 'null', list = null ${where(1)}`,
    )
    const texts = rows.map(({ rows: changed }) => changed?.[0]?.[1])
    const base = { id: thing(1), owner: hard, name: hard, price: 'NaN' }
    expect(texts).to.deep.equal([
      { ...base, at: 'infinity' },
      { ...base, at: '-infinity' },
      { ...base, at: '0044-03-15T12:00:00+00:00 BC' },
      { id: thing(1), owner: null, name: null, price: null, at: null },
    ])
  })

  it('is what is watched now', async () => {
    const columns = { key: ['id'], keys: ['owner'], shown: [] }
    const run = async (statements: readonly string[]) => {
      for (const statement of statements) {
        await log.client.query(statement)
      }
    }
    await log.client.query('create table pets (id integer primary key, owner text, note text)')
    await run(watch('pets', columns))
    const insert = `insert into pets values (1, 'ann', '')`
    expect(await log.told(insert, `update pets set note = 'a'`)).to.have.length(1)
    await run(watch('pets', { ...columns, shown: ['note'] }))
    expect(await log.told(`update pets set note = 'b'`)).to.have.length(1)
    await run(unwatch('pets'))
    expect(await log.told(`update pets set owner = 'bob'`)).to.deep.equal([])
  })

  it('can be watched by plain names only, each once, and by a key', () => {
    const columns = { key: ['id'], keys: ['owner'], shown: ['note'] }
    for (const [table, wrong] of [
      ['Pets', columns],
      [`a'b`, columns],
      ['pets', { ...columns, keys: [`o"w`] }],
      ['pets', { ...columns, shown: ['owner'] }],
      ['pets', { ...columns, key: [] }],
    ] as const) {
      expect(() => watch(table, wrong)).to.throw(table)
    }
  })
})
