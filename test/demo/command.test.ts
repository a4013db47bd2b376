import { expect } from 'chai'
import { sql } from 'kysely'
import { findAdmin, findCaller } from '#members'
import { systemClock } from '#platform/clock'
import { runSeedCommand } from '../../migrations/demo/command.ts'
import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { createDatabase } from '../support/servers.ts'

describe('demo: the seed command', () => {
  for (const wrong of ['0', '-1', '25899', '1.5', '1e6', 'abc', '', '15540001', '99999999999']) {
    it(`refuses ${wrong === '' ? 'nothing' : wrong} as a number of links and says what it takes`, async () => {
      const { code, complaint } = await run([`--links=${wrong}`])
      expect(code).to.equal(1)
      expect(complaint).to.match(/^nothing was loaded\nwhy: .*from 25900 to 15540000\nfix: /)
    })
  }

  it('refuses words and options that it does not know', async () => {
    for (const args of [['up'], ['--lnks', '30000'], ['--links']]) {
      const { code, complaint } = await run(args)
      expect([code, complaint.startsWith('nothing was loaded')], args.join(' ')).to.deep.equal([
        1,
        true,
      ])
    }
  })

  it('explains itself when asked', async () => {
    expect(await run(['--help'])).to.deep.include({ code: 0, complaint: '' })
  })

  it('says that the schema is missing where it is', async () => {
    const { code, complaint } = await run([], { DATABASE_URL: await createDatabase('template0') })
    expect(code).to.equal(1)
    expect(complaint).to.include('npm run migrate -- up')
  })
})

describe('demo: its credentials', () => {
  let url: string
  let opened: OpenDatabase
  before(async function () {
    this.timeout(120_000)
    url = await createDemoDatabase()
    opened = await openTestDatabase(url)
  })
  after(() => opened.close())

  it('work, each for what it is; the member is the customer with the most links', async () => {
    const { organisationId, ...made } = await issueDemoCredentials(url)
    const secret = await findCaller(opened.db, made.secretKey)
    const publishable = await findCaller(opened.db, made.publishableKey)
    const member = await findCaller(opened.db, made.memberToken)
    expect(secret).to.include({ kind: 'secret', organisationId })
    expect(publishable).to.include({ kind: 'publishable', organisationId })
    expect(member).to.include({ kind: 'member', organisationId })
    expect(await findAdmin(opened.db, made.adminToken)).to.include({ role: 'admin' })
    const [best] = await opened.db.run(sql<{ email: string; links: number }>`
      select m.email, (select count(*)::integer from payment_links l where l.member_id = m.id) as links
        from members m where m.id = ${member?.memberId}::uuid`)
    const [most] = await opened.db.run(sql<{ links: number }>`
      select count(*)::integer as links from payment_links where member_id is not null
       group by member_id order by links desc limit 1`)
    expect(best).to.deep.equal({ email: 'customer-14911@customers.invalid', links: most?.links })
  })

  it('replace the ones before, and no others', async () => {
    const old = await issueDemoCredentials(url)
    const made = await issueDemoCredentials(url)
    for (const name of ['secretKey', 'publishableKey', 'memberToken'] as const) {
      expect(await findCaller(opened.db, old[name]), name).to.equal(undefined)
      expect(await findCaller(opened.db, made[name]), name).not.to.equal(undefined)
    }
    expect(await findAdmin(opened.db, old.adminToken)).to.equal(undefined)
  })

  it('are refused where there is no demo', async () => {
    const error = await issueDemoCredentials(await createDatabase()).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(String(error)).to.include('npm run seed')
  })
})

async function run(args: readonly string[], env: Record<string, string> = {}) {
  let [output, complaint] = ['', '']
  const code = await runSeedCommand(args, {
    env,
    clock: systemClock,
    signal: new AbortController().signal,
    print: (text) => void (output += `${text}\n`),
    complain: (text) => void (complaint += `${text}\n`),
  })
  return { code, output, complaint }
}
