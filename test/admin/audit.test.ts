import { expect } from 'chai'
import { sql } from 'kysely'
import { pino } from 'pino'
import { issueAdminToken } from '#members'
import {
  proceduresOf,
  adminClient,
  headersOf,
  refusalOf,
  startAdmin,
  type AdminClient,
} from '../support/admin.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'

type Sent = {
  readonly reason?: string
  readonly key?: string
  readonly token?: string
}

describe('what operators do, written down and done once', () => {
  let business: Business
  let organisationId: string
  let origin: string
  let token: string
  let tokenId: string
  let operator: AdminClient
  const said: string[] = []

  before(async () => {
    business = await openBusiness()
    organisationId = (await addTenant(business, 'harbour')).organisationId
    const log = pino({}, { write: (line: string) => void said.push(line) })
    origin = await startAdmin(business, { log })
    const issued = await issueAdminToken(business, { name: 'Ada', role: 'admin' })
    token = issued.text
    tokenId = issued.id
    operator = adminClient(origin, token)
  })
  after(() => business.lifecycle.stop())

  /** A mutation as HTTP has it. */
  async function post(procedure: string, input: unknown, sent: Sent = {}) {
    const answer = await fetch(`${origin}/trpc/${procedure}`, {
      method: 'POST',
      headers: {
        ...headersOf(sent.token ?? token),
        'content-type': 'application/json',
        ...(sent.reason !== undefined && {
          'x-reason': Buffer.from(sent.reason, 'utf8').toString('latin1'),
        }),
        ...(sent.key !== undefined && { 'idempotency-key': sent.key }),
      },
      body: JSON.stringify(input),
    })
    const json: any = await answer.json()
    const isReplay = answer.headers.get('idempotent-replayed') === 'true'
    return { status: answer.status, data: json.result?.data, error: json.error, isReplay }
  }
  const newest = async (procedure: string) =>
    (await operator.audit.list.query({ procedure, limit: 1 })).records[0]
  const countOf = async (table: string): Promise<number> => {
    const [row] = await business.db.run(
      sql<{ n: number }>`select count(*)::integer as n from ${sql.table(table)}`,
    )
    return row?.n ?? 0
  }
  const flag = { name: 'cursor-pagination', percentage: 50 } as const

  it('says who, what, why, what stood before and after, and when', async () => {
    await post('flags.set', flag)
    const changed = { ...flag, percentage: 70 }
    await post('flags.set', changed, { reason: 'zu schnell für März', key: 'march' })
    const record = await newest('flags.set')
    expect(record).to.deep.include({
      tokenId,
      actor: 'Ada',
      procedure: 'flags.set',
      input: changed,
      before: { percentage: 50 },
      after: { percentage: 70 },
      reason: 'zu schnell für März',
      outcome: 'done',
      error: null,
    })
    expect(Math.abs(Date.parse(record?.at ?? '') - business.clock.now().getTime())).to.be.below(
      60_000,
    )
  })

  it('covers every mutation that there is, also when it fails', async () => {
    const mutations = proceduresOf().flatMap(({ path, type }) =>
      type === 'mutation' ? [path] : [],
    )
    expect(mutations).to.include.members(['cache.invalidate', 'jobs.runNow', 'keys.issueApiKey'])
    for (const path of mutations) {
      const before = await countOf('audit_log')
      // Those that take no input do what they do.
      const { status } = await post(path, { nonsense: true })
      expect(status, path).to.be.oneOf([200, 400])
      expect(await countOf('audit_log'), path).to.equal(before + 1)
      const record = await newest(path)
      expect(record?.outcome, path).to.equal(status === 200 ? 'done' : 'failed')
      expect(record?.error, path).to.equal(status === 200 ? null : 'BAD_REQUEST')
    }
  })

  it('writes nothing for reads, and nothing for those who may not', async () => {
    const viewer = await issueAdminToken(business, { name: 'Vic', role: 'viewer' })
    const before = await countOf('audit_log')
    await operator.flags.list.query()
    expect((await post('flags.set', flag, { token: viewer.text })).status).to.equal(403)
    expect((await post('flags.set', flag, { token: 'none' })).status).to.equal(401)
    expect(await countOf('audit_log')).to.equal(before)
  })

  it('keeps no secret, and takes any text that JSON has', async () => {
    const payload = { password: 'hunter2', 'na\0me': 'half \ud800 and \0', deep: [{ Token: 'x1' }] }
    const text = JSON.stringify({ queue: 'q', name: 'n', payload })
    const answer = await fetch(`${origin}/trpc/jobs.runNow`, {
      method: 'POST',
      headers: { ...headersOf(token), 'content-type': 'application/json' },
      body: text,
    })
    expect(answer.status).to.equal(404)
    const record = await newest('jobs.runNow')
    expect(record?.input).to.deep.equal({
      queue: 'q',
      name: 'n',
      payload: {
        password: null,
        'na\uFFFDme': 'half \uFFFD and \uFFFD',
        deep: [{ Token: null }],
      },
    })
  })

  it('is one with the change: neither is there without the other', async () => {
    const set = { ...flag, percentage: 11 }
    await business.db.run(
      sql`alter table audit_log add constraint no_eleven check (input->>'percentage' <> '11')`,
    )
    try {
      const { status, error } = await post('flags.set', set)
      expect(status).to.equal(500)
      expect(JSON.stringify(error)).not.to.include('no_eleven')
    } finally {
      await business.db.run(sql`alter table audit_log drop constraint no_eleven`)
    }
    const [listed] = await operator.flags.list.query()
    expect(listed?.rules[0]?.percentage).not.to.equal(11)
  })

  it('fails loudly where what was done elsewhere cannot be written down', async () => {
    said.length = 0
    await business.db.run(
      sql`alter table audit_log add constraint no_fetch check (procedure <> 'fx.fetchNow') not valid`,
    )
    try {
      expect((await post('fx.fetchNow', undefined)).status).to.equal(500)
    } finally {
      await business.db.run(sql`alter table audit_log drop constraint no_fetch`)
    }
    const lost = said.map((line) => JSON.parse(line)).find(({ record }) => record)
    expect(lost).to.deep.include({
      level: 50,
      msg: 'what an operator did could not be written down',
    })
    expect(lost.record).to.include({ procedure: 'fx.fetchNow', actor: 'Ada', outcome: 'done' })
  })

  for (const change of [
    'update audit_log set actor = $$Eve$$',
    'delete from audit_log',
    'truncate audit_log',
  ]) {
    it(`is changed by nobody: ${change}`, async () => {
      const error = await business.db.run(sql.raw(change)).catch((thrown: Error) => thrown)
      expect(error).to.be.instanceOf(Error)
      expect(await newest('flags.set')).to.include({ actor: 'Ada' })
    })
  }

  it('is listed page by page, by what was done, by whom and to whom', async () => {
    const other = await issueAdminToken(business, { name: 'Bob', role: 'operator' })
    const own = { ...flag, percentage: 100, organisationId }
    await post('flags.set', own, { token: other.text })
    await post('flags.unset', { name: flag.name, organisationId }, { token: other.text })
    const of = async (filter: object) =>
      (await operator.audit.list.query(filter)).records.map(({ procedure }) => procedure)
    expect(await of({ tokenId: other.id })).to.deep.equal(['flags.unset', 'flags.set'])
    expect(await of({ organisationId })).to.deep.equal(['flags.unset', 'flags.set'])
    expect(await of({ organisationId, procedure: 'flags.set' })).to.deep.equal(['flags.set'])
    expect(await of({ tokenId: other.id, outcome: 'failed' })).to.deep.equal([])
    expect(await of({ since: '2999-01-01T00:00:00Z' })).to.deep.equal([])
    const all: string[] = []
    let before: { before?: string } = {}
    for (;;) {
      const page = await operator.audit.list.query({ ...before, limit: 3 })
      all.push(...page.records.map(({ id }) => id))
      if (!page.hasMore) {
        break
      }
      before = { before: all.at(-1) ?? '' }
    }
    expect(all).to.have.length(await countOf('audit_log'))
    expect(all).to.deep.equal([...new Set(all)].toSorted((a, b) => Number(b) - Number(a)))
  })

  describe('with a key', () => {
    it('answers the same call from the first one, and does it once', async () => {
      const before = await countOf('audit_log')
      const first = await post('fx.fetchNow', undefined, { key: 'fetch-1' })
      const again = await post('fx.fetchNow', undefined, { key: '"fetch-1"' })
      expect(first).to.include({ status: 200, isReplay: false })
      expect(again).to.deep.equal({ ...first, isReplay: true })
      expect(await countOf('audit_log')).to.equal(before + 1)
    })

    it('does it once however many ask at the same time', async () => {
      const before = await countOf('audit_log')
      const input = { ...flag, percentage: 33 }
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post('flags.set', input, { key: 'crowd' })),
      )
      for (const { status } of answers) {
        expect(status).to.be.oneOf([200, 409])
      }
      expect(answers.filter(({ status, isReplay }) => status === 200 && !isReplay)).to.have.length(
        1,
      )
      expect(await countOf('audit_log')).to.equal(before + 1)
    })

    it('refuses the key of another call, and knows keys of others apart', async () => {
      await post('flags.set', flag, { key: 'mine' })
      const other = await post('flags.set', { ...flag, percentage: 51 }, { key: 'mine' })
      expect(other.status).to.equal(422)
      expect(other.error.data.slug).to.equal('members/admin-key-reused')
      const bob = await issueAdminToken(business, { name: 'Bob', role: 'operator' })
      const his = await post(
        'flags.set',
        { ...flag, percentage: 51 },
        { key: 'mine', token: bob.text },
      )
      expect(his).to.include({ status: 200, isReplay: false })
    })

    it('may be tried again after a failure', async () => {
      const missing = { queue: 'none', name: 'none' }
      expect((await post('jobs.runNow', missing, { key: 'again' })).status).to.equal(404)
      expect((await post('jobs.runNow', missing, { key: 'again' })).status).to.equal(404)
    })

    it('is free again when the process that had it ended', async () => {
      const attempt = sql`update admin_answers set answer = null, locked_until = clock_timestamp()`
      await post('flags.set', flag, { key: 'crashed' })
      await business.db.run(sql`${attempt} + interval '1 hour' where key = 'crashed'`)
      expect((await post('flags.set', flag, { key: 'crashed' })).status).to.equal(409)
      await business.db.run(sql`${attempt} where key = 'crashed'`)
      expect(await post('flags.set', flag, { key: 'crashed' })).to.include({ isReplay: false })
    })

    for (const key of ['', 'a"b', 'a\\b', 'x'.repeat(256), 'ü']) {
      it(`refuses what is no key: ${key.slice(0, 8)}`, async () => {
        const { status, error } = await post('flags.set', flag, { key })
        expect(status).to.equal(400)
        expect(error.data.slug).to.equal('members/admin-key-invalid')
      })
    }
  })

  it('refuses inputs that are nested without end, and lives', async () => {
    const deep = `{"queue":"q","name":"n","payload":${'['.repeat(40_000)}${']'.repeat(40_000)}}`
    const answer = await fetch(`${origin}/trpc/jobs.runNow`, {
      method: 'POST',
      headers: { ...headersOf(token), 'content-type': 'application/json' },
      body: deep,
    })
    expect(answer.status).to.equal(400)
    expect(await refusalOf(adminClient(origin, undefined).flags.list.query())).to.include({
      message: 'A valid admin token is needed.',
    })
  })
})
