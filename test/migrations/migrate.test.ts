import { Migration } from '@mikro-orm/migrations'
import { migrations } from '#migrations'
import { migrateDown, migrateUp, readMigrations } from '#platform/database/migrate'
import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const names = migrations.map(({ name }) => name)

/** Down to where the first indexes are built without blocking writers. */
const beforeIndexes = { kind: 'to', name: '0006-delivery' } as const

/** Runs `work` on a connection of its own. */
async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await isTrue())) {
    expect(Date.now()).to.be.below(deadline)
  }
}

const ask = (url: string, statement: string): Promise<readonly Record<string, unknown>[]> =>
  withClient(url, async (client) => (await client.query<Record<string, unknown>>(statement)).rows)

/** Everything of ours in the schema; what belongs to an extension is left out. */
const contents = `
  select c.relname as name from pg_class c
   where c.relnamespace = current_schema()::regnamespace and c.relname not like 'schema_migrations%'
  union all
  select p.proname from pg_proc p
   where p.pronamespace = current_schema()::regnamespace
     and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
   order by 1`

const invalid = `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid`

describe('migrating', () => {
  it('up applies everything once, in order, and says how long each index took', async () => {
    const url = await createDatabase('template1')
    const steps = await migrateUp(url, migrations)
    expect(steps.map(({ name }) => name)).to.deep.equal(names)
    const built = steps.flatMap(({ indexes }) => indexes)
    const stored = await ask(url, `select relname from pg_class where relname like 'idx\\_%'`)
    // and of those that a later step drops again
    expect(built.map(({ name }) => name)).to.include.members(
      stored.map(({ relname }) => String(relname)),
    )
    expect(built.some(({ durationMs }) => durationMs > 0)).to.equal(true)
    expect(await migrateUp(url, migrations)).to.deep.equal([])
    expect((await readMigrations(url, migrations)).pending).to.deep.equal([])
  })

  it('down to nothing leaves nothing, and up brings the same back', async () => {
    const url = await createDatabase()
    const before = await ask(url, contents)
    const undone = await migrateDown(url, migrations, { depth: { kind: 'all' } })
    expect(undone.map(({ name }) => name)).to.deep.equal(names.toReversed())
    expect(await ask(url, contents)).to.deep.equal([])
    await migrateUp(url, migrations)
    expect(await ask(url, contents)).to.deep.equal(before)
  })

  it('down undoes the last one only, or everything after a name', async () => {
    const url = await createDatabase()
    await migrateDown(url, migrations, { depth: { kind: 'last' } })
    expect((await readMigrations(url, migrations)).pending).to.deep.equal(names.slice(-1))
    await migrateDown(url, migrations, { depth: { kind: 'to', name: '0003-fx' } })
    const { applied } = await readMigrations(url, migrations)
    expect(applied.map(({ name }) => name)).to.deep.equal(names.slice(0, 3))
  })

  it('begins a new epoch of the cache with each step, in its transaction', async () => {
    const url = await createDatabase()
    const epoch = async () => {
      const [row] = await ask(url, 'select id, floor::text as floor from cache_epoch')
      return row ?? {}
    }
    const noop = (name: string, statement: string) => {
      class Noop extends Migration {
        override up(): void {
          this.addSql(statement)
        }
        override down(): void {
          this.addSql('select 1')
        }
      }
      return [...migrations, { name, class: Noop }]
    }
    const steps = [await epoch()]
    await migrateUp(url, noop('9999-noop', 'select 1'))
    steps.push(await epoch())
    await migrateDown(url, noop('9999-noop', ''), { depth: { kind: 'last' } })
    steps.push(await epoch())
    expect(new Set(steps.map(({ id }) => id)).size).to.equal(3)
    expect(new Set(steps.map(({ floor }) => floor)).size).to.equal(3)
    await migrateUp(url, noop('9999-noop', 'select 1 / 0')).catch(() => undefined)
    await migrateUp(url, migrations)
    expect(await epoch()).to.deep.equal(steps.at(-1))
  })

  it('down refuses a name that is not applied, and a database that is ahead', async () => {
    const url = await createDatabase()
    const attempt = (kind: string): Promise<string> =>
      migrateDown(url, migrations, {
        depth: kind === 'all' ? { kind: 'all' } : { kind: 'to', name: kind },
      }).then(
        () => 'done',
        (error: Error) => error.message,
      )
    expect(await attempt('0099-nothing')).to.include('0099-nothing is not applied')
    await ask(url, `insert into schema_migrations (name) values ('0099-newer')`)
    expect(await attempt('all')).to.include('0099-newer')
    expect((await readMigrations(url, migrations)).unknown).to.deep.equal(['0099-newer'])
  })

  it('by several at once applies each migration once', async () => {
    const url = await createDatabase('template1')
    const runs = await Promise.all([1, 2, 3].map(() => migrateUp(url, migrations)))
    expect(runs.flat().map(({ name }) => name)).to.deep.equal(names)
    const logged = await ask(url, 'select name from schema_migrations order by id')
    expect(logged.map(({ name }) => name)).to.deep.equal(names)
  })

  it('reads the state of a database that was never migrated without touching it', async () => {
    const url = await createDatabase('template1')
    expect(await readMigrations(url, migrations)).to.deep.equal({
      applied: [],
      pending: names,
      unknown: [],
    })
    expect(await ask(url, `select to_regclass('schema_migrations') as t`)).to.deep.equal([
      { t: null },
    ])
  })

  it('needs no superuser, only the owner of the database', async () => {
    const url = new URL(await createDatabase('template1'))
    const role = `owner_${url.pathname.slice(1)}`
    await ask(
      url.href,
      `create role ${role} login password 'owner'; alter database ${url.pathname.slice(1)} owner to ${role}`,
    )
    url.username = role
    url.password = 'owner'
    const steps = await migrateUp(url.href, migrations)
    expect(steps.map(({ name }) => name)).to.deep.equal(names)
    const undone = await migrateDown(url.href, migrations, { depth: { kind: 'all' } })
    expect(undone).to.have.length(names.length)
  })

  it('drops the invalid left-over of an interrupted build and builds it anew', async () => {
    const url = await createDatabase()
    await migrateDown(url, migrations, { depth: beforeIndexes })
    // Two equal hashes make the unique build fail half-way, as a crash would.
    const token = `insert into admin_tokens (name, role, token_hash, last_four) values ('a', 'viewer', 'x', '1234')`
    await ask(url, `${token}; ${token}`)
    const failure = await migrateUp(url, migrations).catch((error: Error) => error.message)
    expect(failure).to.include('idx_admin_tokens_hash')
    expect(await ask(url, invalid)).to.deep.equal([{ name: 'idx_admin_tokens_hash' }])
    await ask(url, 'delete from admin_tokens')
    const [step] = await migrateUp(url, migrations)
    expect(step?.name).to.equal('0007-performance-indexes')
    expect(await ask(url, invalid)).to.deep.equal([])
  })

  it('goes on after the migrating process was killed in the middle', async () => {
    const url = await createDatabase('template1')
    const child = spawn(process.execPath, ['migrations/main.ts', 'up'], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: 'ignore',
    })
    const exited = once(child, 'exit')
    await until(async () => {
      const [built] = await ask(
        url,
        `select count(*)::int as n from pg_class where relname like 'idx\\_%'`,
      )
      return Number(built?.['n']) >= 3
    })
    child.kill('SIGKILL')
    const [, signal] = await exited
    expect(signal).to.equal('SIGKILL')
    await migrateUp(url, migrations)
    expect((await readMigrations(url, migrations)).pending).to.deep.equal([])
    expect(await ask(url, invalid)).to.deep.equal([])
  })

  it('builds indexes while a writer has a transaction open on the same table', async () => {
    const url = await createDatabase()
    await migrateDown(url, migrations, { depth: beforeIndexes })
    await withClient(url, async (writer) => {
      await writer.query('begin')
      await writer.query(
        `insert into admin_tokens (name, role, token_hash, last_four) values ('a', 'viewer', 'x', '1')`,
      )
      const migrating = migrateUp(url, migrations)
      await until(async () => {
        const waiting = await ask(
          url,
          `select from pg_stat_activity where datname = current_database()
              and query like '%idx_admin_tokens_hash%' and wait_event_type = 'Lock'`,
        )
        return waiting.length === 1
      })
      const another = await ask(
        url,
        `set lock_timeout = '2s'; insert into admin_tokens (name, role, token_hash, last_four) values ('b', 'viewer', 'y', '1')`,
      ).then(
        () => 'written',
        (error: Error) => error.message,
      )
      expect(another).to.equal('written')
      await writer.query('commit')
      expect((await migrating).map(({ name }) => name)).to.deep.equal(
        names.slice(names.indexOf('0007-performance-indexes')),
      )
    })
  })

  it('gives up a lock soon, keeps what was there, and succeeds when the lock is free', async () => {
    const url = await createDatabase()
    await migrateDown(url, migrations, { depth: beforeIndexes })
    await withClient(url, async (reader) => {
      await reader.query('begin')
      await reader.query('select * from job_runs')
      const failure = await migrateDown(url, migrations, { depth: { kind: 'last' } }).catch(
        (error: { code?: string }) => error.code,
      )
      expect(failure).to.equal('55P03')
      await reader.query('rollback')
    })
    expect(await ask(url, `select to_regclass('outbox_events')::text as t`)).to.deep.equal([
      { t: 'outbox_events' },
    ])
    const undone = await migrateDown(url, migrations, { depth: { kind: 'last' } })
    expect(undone.map(({ name }) => name)).to.deep.equal(['0006-delivery'])
  })
})
