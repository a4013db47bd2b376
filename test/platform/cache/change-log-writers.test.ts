import { expect } from 'chai'
import { watch } from '#platform/cache/watch'
import {
  insertThings,
  openChangeLog,
  thing,
  type ChangeLogFixture,
  type Logged,
} from './change-log.ts'

const idsOf = (changes: readonly Logged[]) =>
  changes.map(({ relation, rows }) => [
    relation,
    ...(rows ?? [['any', 'any']]).map((sides) =>
      sides
        .map((side) =>
          side === null ? '-' : typeof side === 'string' ? side : Number(side['id']?.slice(-4)),
        )
        .join('>'),
    ),
  ])

describe('a change is told', () => {
  let log: ChangeLogFixture
  before(async () => {
    log = await openChangeLog()
    await log.client.query(`
      create table boxes (id integer primary key, thing_id uuid references things on delete cascade on update cascade)`)
    for (const statement of watch('boxes', { key: ['id'], keys: ['thing_id'], shown: [] })) {
      await log.client.query(statement)
    }
  })
  after(() => log.close())
  beforeEach(() => log.client.query(`delete from things; ${insertThings(1, 3)}`))

  const told = async (...statements: readonly string[]) => idsOf(await log.told(...statements))

  it('by INSERT … ON CONFLICT DO UPDATE, what was new and what was there', async () => {
    const upsert = `${insertThings(3, 4)} on conflict (id) do update set owner = 'bob'`
    expect(await told(upsert)).to.have.deep.members([
      ['things', '->4'],
      ['things', '3>3'],
    ])
  })

  it('by MERGE, each of its actions', async () => {
    const merge = `
      merge into things using (values ('${thing(1)}'::uuid, 1), ('${thing(2)}', 2), ('${thing(5)}', 5)) as source (id, n)
         on things.id = source.id
       when matched and n = 1 then delete
       when matched then update set owner = 'bob'
       when not matched then insert (id) values (source.id)`
    expect(await told(merge)).to.have.deep.members([
      ['things', '->5'],
      ['things', '2>2'],
      ['things', '1>-'],
    ])
  })

  it('by COPY', async () => {
    const copy = `copy things (id) from program 'echo ${thing(8)}; echo ${thing(9)}'`
    expect(await told(copy)).to.deep.equal([['things', '->8', '->9']])
  })

  it('by TRUNCATE, of the table alone, and of what it takes along', async () => {
    expect(await told('truncate boxes')).to.deep.equal([['boxes', 'any>any']])
    expect(await told('truncate things cascade')).to.have.deep.members([
      ['things', 'any>any'],
      ['boxes', 'any>any'],
    ])
  })

  it('by several writes in one statement', async () => {
    const chain = `
      with gone as (delete from things where id = '${thing(1)}' returning owner),
           other as (update things set owner = 'eve' where id = '${thing(3)}')
      insert into things (id, owner) select '${thing(6)}', owner from gone`
    expect(await told(chain)).to.have.deep.members([
      ['things', '1>-'],
      ['things', '3>3'],
      ['things', '->6'],
    ])
    const twice = `
      with one as (update things set owner = 'a' where id = '${thing(2)}')
      update things set owner = 'b' where id = '${thing(3)}'`
    expect((await told(twice)).flatMap(([, ...rows]) => rows)).to.have.members(['2>2', '3>3'])
  })

  it('by cascades, of every row that they reach', async () => {
    const fill = `insert into boxes select n, ('00000000-0000-7000-8000-' || lpad((n % 3 + 1)::text, 12, '0'))::uuid
                    from generate_series(1, 9) as n`
    await log.client.query(fill)
    const moved = await log.told(`update things set id = '${thing(4)}' where id = '${thing(1)}'`)
    expect(boxesOf(moved)).to.have.members(['3>3', '6>6', '9>9'])
    const gone = await log.told('delete from things')
    expect(boxesOf(gone)).to.have.members([1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => `${id}>-`))
  })

  it('by functions and other triggers', async () => {
    await log.client.query(`
      create function follow() returns trigger language plpgsql as $$
      begin update things set owner = 'follower' where id = '${thing(2)}'; return null; end $$;
      create trigger follow after delete on boxes for each statement execute function follow()`)
    expect(await told('delete from boxes')).to.deep.equal([['things', '2>2']])
    await log.client.query('drop trigger follow on boxes')
  })

  it('where a session says that it only replicates', async () => {
    const replica = 'set session_replication_role = replica'
    expect(await told(replica, insertThings(4), 'reset session_replication_role')).to.deep.equal([
      ['things', '->4'],
    ])
  })

  it('in a partitioned table, whichever relation the statement names, under the name of the table', async () => {
    await log.client.query(`
      create table parts (id integer, region text, note text, primary key (id, region)) partition by list (region);
      create table parts_eu partition of parts for values in ('eu');
      create table parts_us partition of parts for values in ('us')`)
    for (const statement of watch('parts', { key: ['id', 'region'], keys: [], shown: ['note'] })) {
      await log.client.query(statement)
    }
    const rows = await told(
      `insert into parts values (1, 'eu'), (2, 'us')`,
      `insert into parts_eu values (3, 'eu')`,
      `update parts set region = 'us' where id = 1`,
      'truncate parts_us',
    )
    expect(rows.map((row) => row.toSorted())).to.deep.equal([
      ['->1', '->2', 'parts'],
      ['->3', 'parts'],
      ['->1', '1>-', 'parts'],
      ['any>any', 'parts'],
    ])
  })

  const boxesOf = (changes: readonly Logged[]) =>
    idsOf(changes.filter(({ relation }) => relation === 'boxes')).flatMap(([, ...rows]) => rows)
})
