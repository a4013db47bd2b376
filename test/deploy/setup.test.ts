import { expect } from 'chai'
import { sql } from 'kysely'
import { findAdmin, findCaller } from '#members'
import { systemClock } from '#platform/clock'
import { settings } from '#config'
import { systemRandom } from '#platform/random'
import { runSetupCommand } from '../../deploy/setup/command.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDatabase } from '../support/servers.ts'

const acme = ['--name', 'Acme Ltd', '--slug', 'acme', '--currency', 'GBP']

describe('setup: a new installation', () => {
  let url: string
  let opened: OpenDatabase
  beforeEach(async () => {
    url = await createDatabase()
    opened = await openTestDatabase(url)
  })
  afterEach(() => opened.close())

  it('gets an organisation, two keys and an admin token that work, and a cursor key that the api takes', async () => {
    const made = await setUp([...acme, '--settlement', 'EUR,USD,CHF,JPY'])
    expect(await findCaller(opened.db, made.secretKey)).to.include({
      kind: 'secret',
      organisationId: made.organisationId,
    })
    expect(await findCaller(opened.db, made.publishableKey)).to.include({ kind: 'publishable' })
    expect(await findAdmin(opened.db, made.adminToken)).to.include({ role: 'admin' })
    expect(settings.CURSOR_KEYS.schema.safeParse(made.cursorKey).success).to.equal(true)
    const [organisation] = await opened.db.run(sql`
      select name, slug, default_currency as currency, settlement_assets as assets from organisations`)
    expect(organisation).to.deep.equal({
      name: 'Acme Ltd',
      slug: 'acme',
      currency: 'GBP',
      assets: ['EUR', 'USD', 'CHF', 'JPY'],
    })
  })

  it('says everything once, in words', async () => {
    const { code, output } = await run(acme)
    expect(code).to.equal(0)
    for (const part of [
      /tg_sk_\w{49}\n/,
      /tg_pk_\w{49}\n/,
      /tg_at_\w{49}\n/,
      /CURSOR_KEYS +k\w+:/,
    ]) {
      expect(output).to.match(part)
    }
  })

  it('is refused with every fault at once, and nothing is written', async () => {
    const { code, complaint } = await run([
      'x',
      '--slug=Not A Slug',
      '--currency=GBX',
      '--settlement=EUR,EUR',
      '--overlap=3',
    ])
    expect(code).to.equal(1)
    for (const fault of [
      'x is not a command',
      '--name is missing',
      '--slug must be',
      '--currency GBX is not',
      '--settlement must be four different assets',
      '--overlap belongs to rotate',
    ]) {
      expect(complaint).to.include(fault)
    }
    expect(await countRows()).to.deep.equal({ organisations: 0, keys: 0, tokens: 0 })
  })

  it('is refused for an option that does not exist', async () => {
    const { code, complaint } = await run([...acme, '--curency', 'GBP'])
    expect([code, complaint.includes("'--curency'")]).to.deep.equal([1, true])
    expect(await countRows()).to.deep.equal({ organisations: 0, keys: 0, tokens: 0 })
  })

  it('is refused when there is one already, which stays as it is', async () => {
    const made = await setUp(acme)
    const { code, complaint } = await run([...acme, '--slug', 'second'])
    expect(code).to.equal(1)
    expect(complaint).to.include('organisation acme').and.to.include('rotate')
    expect(await countRows()).to.deep.equal({ organisations: 1, keys: 2, tokens: 1 })
    expect(await findCaller(opened.db, made.secretKey)).not.to.equal(undefined)
  })

  it('is made once when two operators are at it at the same time', async () => {
    const results = await Promise.all([run(acme), run([...acme, '--slug', 'other'])])
    expect(results.map(({ code }) => code)).to.have.members([0, 1])
    expect(await countRows()).to.deep.equal({ organisations: 1, keys: 2, tokens: 1 })
  })

  it('says what is missing where the database is not there or has no tables', async () => {
    const { code, complaint } = await run(acme, {
      DATABASE_URL: 'postgresql://a:geheim@127.0.0.1:1/x',
    })
    expect([code, complaint.includes('ECONNREFUSED')]).to.deep.equal([1, true])
    expect(complaint).not.to.include('geheim')
    const empty = await run(acme, { DATABASE_URL: await createDatabase('template0') })
    expect(empty.complaint).to.include('npm run migrate -- up')
  })

  it('explains itself when asked', async () => {
    const { code, output } = await run(['--help'])
    expect([code, output.includes('--settlement')]).to.deep.equal([0, true])
  })

  describe('whose keys are rotated', () => {
    it('gets new ones at once while the old ones work for the overlap, a day when nothing was said', async () => {
      const old = await setUp(acme)
      const made = await setUp(['rotate'])
      expect(made.organisationId).to.equal(old.organisationId)
      expect(made.cursorKey).not.to.equal(old.cursorKey)
      for (const { secretKey, publishableKey, adminToken } of [old, made]) {
        expect(await findCaller(opened.db, secretKey)).not.to.equal(undefined)
        expect(await findCaller(opened.db, publishableKey)).not.to.equal(undefined)
        expect(await findAdmin(opened.db, adminToken)).not.to.equal(undefined)
      }
      const [row] = await opened.db.run(sql`
        select count(*)::integer as retired,
               bool_and(revoked_at between now() + interval '23 h 59 min' and now() + interval '24 h') as "isInADay"
          from (select revoked_at from api_keys union all select revoked_at from admin_tokens) as all_of_them
         where revoked_at is not null`)
      expect(row).to.deep.equal({ retired: 3, isInADay: true })
    })

    it('loses the old ones at once after a leak, also those that were to live for a day', async () => {
      const old = await setUp(acme)
      const second = await setUp(['rotate'])
      const made = await setUp(['rotate', '--overlap', '0'])
      for (const { secretKey, publishableKey, adminToken } of [old, second]) {
        expect(await findCaller(opened.db, secretKey)).to.equal(undefined)
        expect(await findCaller(opened.db, publishableKey)).to.equal(undefined)
        expect(await findAdmin(opened.db, adminToken)).to.equal(undefined)
      }
      expect(await findCaller(opened.db, made.secretKey)).not.to.equal(undefined)
    })

    it('must exist and be the only one, or be named', async () => {
      expect((await run(['rotate'])).complaint).to.include('there is no organisation yet')
      await setUp(acme)
      await opened.db.run(sql`
        insert into organisations (name, slug, default_currency, settlement_assets)
        select 'Other', 'other', default_currency, settlement_assets from organisations`)
      expect((await run(['rotate'])).complaint).to.include('--slug')
      expect((await run(['rotate', '--slug', 'nobody'])).complaint).to.include('nobody')
      expect(await setUp(['rotate', '--slug', 'other'])).to.include({ slug: 'other' })
    })

    it('may not change what it is called, nor overlap for ever', async () => {
      await setUp(acme)
      for (const overlap of ['-1', 'abc', '1e3', '9999', '']) {
        const { code, complaint } = await run(['rotate', `--overlap=${overlap}`, '--name', 'New'])
        expect(code, overlap).to.equal(1)
        expect(complaint).to.include('--overlap').and.to.include('--name cannot be changed')
      }
      expect(await countRows()).to.deep.equal({ organisations: 1, keys: 2, tokens: 1 })
    })
  })

  type Made = {
    readonly organisationId: string
    readonly slug: string
    readonly secretKey: string
    readonly publishableKey: string
    readonly adminToken: string
    readonly cursorKey: string
  }

  async function setUp(args: readonly string[]): Promise<Made> {
    const { output, complaint } = await run([...args, '--json'])
    expect(complaint).to.equal('')
    return JSON.parse(output) as Made
  }

  async function run(args: readonly string[], env: Record<string, string> = { DATABASE_URL: url }) {
    let [output, complaint] = ['', '']
    const code = await runSetupCommand(args, {
      env,
      clock: systemClock,
      random: systemRandom,
      print: (text) => void (output += `${text}\n`),
      complain: (text) => void (complaint += `${text}\n`),
    })
    return { code, output, complaint }
  }

  async function countRows() {
    const [row] = await opened.db.run(sql`
      select (select count(*)::integer from organisations) as organisations,
             (select count(*)::integer from api_keys) as keys,
             (select count(*)::integer from admin_tokens) as tokens`)
    return row
  }
})
