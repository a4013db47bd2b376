import { entities } from '#entities'
import { migrations } from '#migrations'
import { systemClock } from '#platform/clock'
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { resources } from '../../api/resources.ts'
import { runMigrateCommand } from '../../migrations/command.ts'
import { createDatabase } from '../support/servers.ts'

type Env = Readonly<Record<string, string>>

async function migrate(args: readonly string[], env: Env) {
  const out: string[] = []
  const complaints: string[] = []
  const exitCode = await runMigrateCommand(args, {
    env,
    clock: systemClock,
    print: (text) => out.push(text),
    complain: (text) => complaints.push(text),
    declarations: async () => ({ resources, entities }),
  })
  return { exitCode, out: out.join('\n'), complaint: complaints.join('\n') }
}

const names = migrations.map(({ name }) => name)

describe('npm run migrate', function () {
  // analyze plans some thousand statements, which takes a busy machine its time
  this.timeout(60_000)

  it('up lists what was applied with its duration, and the time the indexes took', async () => {
    const env = { DATABASE_URL: await createDatabase('template1') }
    const { out, exitCode } = await migrate(['up'], env)
    expect(exitCode).to.equal(0)
    expect(out).to.match(/^applied {2}0001-money +\d+ ms$/m)
    expect(out).to.match(/^built \d+ indexes in \d+ ms$/m)
    expect((await migrate(['apply'], env)).out).to.equal('nothing is pending')
  })

  it('status shows what is pending, and every index with size and use', async () => {
    const env = { DATABASE_URL: await createDatabase() }
    await migrate(['down'], env)
    const { out } = await migrate(['status'], env)
    expect(out).to.match(/^applied {2}0001-money +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m)
    expect(out).to.match(new RegExp(`^pending {2}${names.at(-1)}$`, 'm'))
    expect(out).to.match(
      /^organisations +organisations_slug_key +8 KiB +0 +unused by reads, keeps rows unique$/m,
    )
  })

  it('analyze refreshes statistics and shows every read, unused indexes and missing ones', async () => {
    const env = { DATABASE_URL: await createDatabase() }
    const { out, exitCode } = await migrate(['analyze', '--json'], env)
    const report = JSON.parse(out) as {
      analyzed: string[]
      reads: { name: string; variant: string; faults: string[] }[]
      indexes: { sizeBytes: number; index: string }[]
      unused: { index: string; keptFor?: string }[]
      missing: { scannedTables: unknown[]; foreignKeys: unknown[] }
    }
    const required = [
      'payment_links',
      'payment_events',
      'fx_snapshots',
      'ledger_entries',
      'xero_syncs',
    ]
    expect(exitCode).to.equal(0)
    expect(report.analyzed).to.include.members(required)
    expect(report.reads.map(({ name, variant }) => `${name}, ${variant}`)).to.include.members([
      'payment-links by -createdAt with status, next page',
      'payment-links of a member by createdAt, prev page',
      'payment-links/:id, expand=items',
      'the look-up of a caller by its key, as it is',
    ])
    const sizes = report.indexes.map(({ sizeBytes }) => sizeBytes)
    expect(sizes).to.deep.equal(sizes.toSorted((a, b) => b - a))
    expect(report.unused.map(({ index }) => index)).to.include('idx_payment_links_org_created')
    expect(report.missing).to.deep.equal({ scannedTables: [], foreignKeys: [] })
    const table = (await migrate(['analyze'], env)).out
    expect(table).to.match(/^members by -createdAt with tier .* \d+ +\d+$/m)
    expect(table).to.match(/^\d+ reads, 0 of them at fault$/m)
    expect(table).to.match(/^organisations_slug_key +organisations +8 KiB +keeps rows unique$/m)
    expect(table).to.match(/^no foreign key of a big table is without an index$/m)
  })

  it('analyze exits with 1 and says what would help when a read has lost its index', async () => {
    const url = await createDatabase()
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(
      `begin; set local session_replication_role = replica; drop index idx_activity_log_org_created;
       insert into activity_log (organisation_id, action, subject_type, subject_id, created_at)
       select case n % 2 when 0 then '01900000-0000-7000-8000-000000000000'
                         else '01900000-0000-7000-8000-000000000001' end::uuid,
              n % 9, 'payment-link', n, timestamptz '2026-01-01Z' + n * interval '1 minute'
         from generate_series(1, 20000) as n; commit`,
    )
    await client.end()
    const { out, exitCode } = await migrate(['analyze'], { DATABASE_URL: url })
    expect(exitCode).to.equal(1)
    expect(out).to.match(
      /^ {2}FAULT first page: sorts 10,000 rows of activity_log; an index on activity_log \(organisation_id, created_at, id\) would serve it$/m,
    )
    expect(out).to.match(/^activity_log \(api_key_id\) +api_keys +20000$/m)
    expect(out).to.match(/^\d+ reads, [1-9]\d* of them at fault$/m)
  })

  it('analyze waits for pending migrations', async () => {
    const env = { DATABASE_URL: await createDatabase() }
    await migrate(['down'], env)
    const { exitCode, complaint } = await migrate(['analyze'], env)
    expect([exitCode, complaint]).to.satisfy(
      ([code, text]: [number, string]) =>
        code === 1 &&
        text.startsWith('nothing was analysed\nwhy: migrations are pending that reads may need: '),
    )
  })

  it('speaks JSON for every command', async () => {
    const env = { DATABASE_URL: await createDatabase('template1') }
    const json = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await migrate([...args, '--json'], env)).out) as Record<string, unknown>
    expect((await json('up'))['applied']).to.have.length(names.length)
    expect(await json('status')).to.include.keys('applied', 'pending', 'unknown', 'indexes')
    expect((await json('down', '--to', '0001-money'))['undone']).to.have.length(names.length - 1)
    expect((await json('rollback', '--all'))['undone']).to.have.length(1)
  })

  it('undoes nothing in production without --yes', async () => {
    const env = { DATABASE_URL: await createDatabase(), NODE_ENV: 'production' }
    const refused = await migrate(['down'], env)
    expect(refused.exitCode).to.equal(1)
    expect(refused.complaint).to.match(/^nothing was undone\nwhy: .*production\nfix: .*--yes$/)
    expect((await migrate(['down', '--yes'], env)).out).to.include(names.at(-1))
  })

  it('uses the embedded database of DATA_DIR when DATABASE_URL is not set', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-'))
    try {
      const missing = await migrate(['status'], { DATA_DIR: directory })
      expect(missing.complaint).to.include('demo.json does not exist')
      expect(missing.complaint).to.match(/^fix: set DATABASE_URL/m)
      const file = join(directory, 'demo.json')
      await writeFile(file, 'no json')
      const broken = await migrate(['status'], { DATA_DIR: directory })
      expect(broken.complaint).to.include('names no databaseUrl')
      await writeFile(file, JSON.stringify({ databaseUrl: await createDatabase() }))
      const found = await migrate(['status'], { DATA_DIR: directory })
      expect(found.out).to.include('0001-money')
      const production = { DATA_DIR: directory, NODE_ENV: 'production' }
      expect((await migrate(['status'], production)).exitCode).to.equal(1)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('says what, why and how to mend it when the database is down, and keeps the password', async () => {
    const env = { DATABASE_URL: 'postgresql://someone:hunter2@127.0.0.1:1/shop' }
    const { exitCode, complaint } = await migrate(['up'], env)
    expect(exitCode).to.equal(1)
    expect(complaint).to.match(
      /^migrate failed on 127\.0\.0\.1:1\/shop\nwhy: .*ECONNREFUSED.*\nfix: start/,
    )
    expect(complaint).not.to.include('hunter2')
  })

  it('explains itself for a command or an option that does not exist', async () => {
    expect((await migrate([], {})).out).to.include('npm run migrate -- COMMAND')
    const unknown = await migrate(['toString'], {})
    expect([unknown.exitCode, unknown.out]).to.satisfy(
      ([code, out]: [number, string]) => code === 1 && out.includes('status'),
    )
    const option = await migrate(['up', '--force'], {})
    expect([option.exitCode, option.complaint]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && text.includes('--force'),
    )
  })

  it('is the process that the script starts', async () => {
    const run = spawnSync(process.execPath, ['migrations/main.ts', 'status', '--json'], {
      env: { ...process.env, DATABASE_URL: await createDatabase() },
      encoding: 'utf8',
    })
    expect([run.status, run.stderr]).to.deep.equal([0, ''])
    expect(JSON.parse(run.stdout)).to.include.keys('applied', 'indexes')
  })

  it('is given the declarations by its process', async () => {
    const run = spawnSync(process.execPath, ['migrations/main.ts', 'analyze'], {
      env: { ...process.env, DATABASE_URL: await createDatabase() },
      encoding: 'utf8',
    })
    expect([run.status, run.stderr]).to.deep.equal([0, ''])
    expect(run.stdout).to.match(/^payment-links by createdAt with status /m)
  })
})
