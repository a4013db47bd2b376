import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { pino } from 'pino'
import { issueAdminToken } from '#members'
import {
  adminClient,
  headersOf,
  refusalOf,
  startAdmin,
  type AdminClient,
} from '../support/admin.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { addLinks } from '../support/links.ts'

type Target = Parameters<AdminClient['cache']['invalidate']['mutate']>[0]
type Read = { readonly path: string; readonly as: string }

describe('the cache of two API processes, for operators', () => {
  let business: Business
  let ours: Tenant
  let theirs: Tenant
  let shop: Shop
  let linkId: string
  let apis: readonly [Api, Api]
  let origin: string
  let tokens: Readonly<Record<'viewer' | 'operator', string>>
  let operator: AdminClient
  let reads: Readonly<Record<string, Read>>
  const said: string[] = []
  let asked = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    ours = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    await publishRates(business, ecbRates)
    shop = await addProducts(business, ours, 4)
    await addProducts(business, theirs, 2)
    linkId = (await addLinks(business, ours, 2))[0] ?? ''
    const cache = { tiers: 'memory' } as const
    apis = [await startApi(business, { cache }), await startApi(business, { cache })]
    const log = pino({}, { write: (line: string) => void said.push(line) })
    // What is promised is that they answer; how soon, a loaded machine decides.
    origin = await startAdmin(business, { log, cachePatienceMs: 5_000, deadlineMs: 20_000 })
    const issue = async (role: 'viewer' | 'operator'): Promise<string> =>
      (await issueAdminToken(business, { name: role, role })).text
    tokens = { viewer: await issue('viewer'), operator: await issue('operator') }
    operator = adminClient(origin, tokens.operator)
    const own = (path: string): Read => ({ path, as: ours.secretKey })
    reads = {
      list: own('/api/v2/products?limit=3&sort=title'),
      item: own(`/api/v2/products/${shop.productIds[0]}?expand=prices`),
      otherItem: own(`/api/v2/products/${shop.productIds[1]}`),
      legacyList: own('/api/products?limit=9'),
      links: own('/api/v2/payment-links'),
      link: own(`/api/v2/payment-links/${linkId}`),
      me: own('/api/v2/me'),
      assets: own('/api/v2/assets'),
      theirList: { path: '/api/v2/products', as: theirs.secretKey },
    }
  })
  after(() => business.lifecycle.stop())

  const get = (api: Api, { path, as }: Read): Promise<Answer> => api.call('GET', path, { as })
  const statusOf = async (api: Api, name: string): Promise<string> =>
    (await get(api, reads[name] ?? newRead())).headers.get('cache-status') ?? ''
  const newRead = (): Read => ({
    path: `/api/v2/products?limit=${(asked += 1) + 20}`,
    as: ours.secretKey,
  })

  /** The names of the reads that a process does not serve from memory. */
  async function missing(api: Api, names = Object.keys(reads)): Promise<string[]> {
    const found = []
    for (const name of names) {
      if (!(await statusOf(api, name)).startsWith('memory; hit')) {
        found.push(name)
      }
    }
    return found
  }

  /** Both processes keep everything, and know of all that was committed. */
  async function warm(): Promise<void> {
    await Promise.all(apis.map(({ slice }) => slice.cache.catchUp()))
    await Promise.all(apis.map((api) => missing(api)))
    expect(await Promise.all(apis.map((api) => missing(api)))).to.deep.equal([[], []])
  }

  async function until(isTrue: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 5_000
    while (!(await isTrue())) {
      expect(performance.now()).to.be.below(deadline)
    }
  }

  const keyOf = async (name: string): Promise<string> => {
    const named = { url: reads[name]?.path ?? '', organisationId: ours.organisationId }
    const { keys } = await operator.cache.inspect.query(named)
    return keys[0] ?? ''
  }
  const products = ['list', 'item', 'otherItem', 'legacyList']

  const ways: readonly (readonly [
    what: string,
    target: () => Target | Promise<Target>,
    lost: readonly string[],
    /** Answers beside those reads, in each process. */
    more?: number,
  ])[] = [
    [
      'the tag of a row',
      () => ({ by: 'tag', tags: [`products:${shop.productIds[0]?.toUpperCase()}`] }),
      ['list', 'item', 'legacyList'],
    ],
    [
      'the tag of the rows with a value, which only lists depend on',
      () => ({ by: 'tag', tags: [`products.organisation_id=${ours.organisationId}`] }),
      ['list', 'legacyList'],
    ],
    [
      'several tags',
      () => ({ by: 'tag', tags: [`payment_links:${linkId}`, 'prices'] }),
      ['item', 'links', 'link'],
    ],
    ['its key', async () => ({ by: 'key', key: await keyOf('legacyList') }), ['legacyList']],
    [
      'its URL, written otherwise',
      () => ({
        by: 'url',
        url: 'https://shop.example/api/v2/products?sort=title&limit=3',
        organisationId: ours.organisationId.toUpperCase(),
      }),
      ['list'],
    ],
    [
      'the URL of what everybody may read',
      () => ({ by: 'url', url: '/api/v2/assets' }),
      ['assets'],
    ],
    ['a pattern', () => ({ by: 'pattern', pattern: 'payment_links:*' }), ['links', 'link']],
    [
      'a pattern of one row',
      () => ({ by: 'pattern', pattern: `products:${shop.productIds[1]}` }),
      ['list', 'otherItem', 'legacyList'],
    ],
    [
      'a pattern that concerns every organisation',
      () => ({ by: 'pattern', pattern: 'products.*' }),
      [...products, 'theirList'],
    ],
    [
      'an organisation',
      () => ({ by: 'organisation', organisationId: ours.organisationId.toUpperCase() }),
      [...products, 'links', 'link', 'me'],
    ],
    [
      'everything',
      () => ({ by: 'everything', confirm: true }),
      [...products, 'links', 'link', 'me', 'assets', 'theirList'],
      2, // the verdicts on two credentials
    ],
  ]
  for (const [what, targetOf, lost, more = 0] of ways) {
    it(`invalidates by ${what}: fetched anew by both, and nothing else; the dry run says so before`, async () => {
      await operator.cache.invalidate.mutate({ by: 'everything', confirm: true })
      await warm()
      const target = await targetOf()
      const cost = await operator.cache.dryRun.query(target)
      expect(cost).to.include({ known: 2, answered: 2, entries: 2 * (lost.length + more) })
      expect(cost.processes.map(({ entries }) => entries)).to.deep.equal(
        apis.map(() => lost.length + more),
      )
      expect(cost.hits).to.be.at.least(2 * cost.entries)
      expect(await Promise.all(apis.map((api) => missing(api)))).to.deep.equal([[], []])

      await operator.cache.invalidate.mutate(target)
      for (const api of apis) {
        for (const name of lost) {
          let status = ''
          await until(async () => {
            status = await statusOf(api, name)
            return !status.startsWith('memory; hit')
          })
          expect(status, name).to.include(target.by === 'everything' ? 'fwd=miss' : 'fwd=stale')
        }
      }
      expect(await Promise.all(apis.map((api) => missing(api)))).to.deep.equal([[], []])
    })
  }

  it('counts what would be lost by route, with the reads that it has served', async () => {
    const read = newRead()
    for (const api of [apis[0], apis[1], apis[1], apis[1]]) {
      await get(api, read)
    }
    const cost = await operator.cache.dryRun.query({
      by: 'url',
      url: read.path,
      organisationId: ours.organisationId,
    })
    expect(cost).to.deep.include({
      entries: 2,
      hits: 4,
      routes: [{ route: '/api/v2/products', entries: 2, hits: 4 }],
    })
  })

  it('adds up: all together are the sum of each, and reads are counted by route and outcome', async () => {
    const find = async () => {
      const { routes } = await operator.cache.statsByRoute.query()
      const misses = routes.map(({ outcomes }) => outcomes['miss'] ?? 0)
      expect(misses).to.deep.equal(misses.toSorted((one, other) => other - one))
      return routes.find(({ route }) => route === '/api/v2/products')
    }
    await warm()
    const before = await find()
    const read = newRead()
    for (const api of [...apis, ...apis, ...apis]) {
      await get(api, read)
    }
    const after = await find()
    expect(after?.reads).to.equal((before?.reads ?? 0) + 6)
    expect(after?.outcomes['hit']).to.equal((before?.outcomes['hit'] ?? 0) + 4)
    expect(after?.outcomes['miss']).to.equal((before?.outcomes['miss'] ?? 0) + 2)

    const { together, processes, ...counted } = await operator.cache.stats.query()
    expect(counted).to.deep.equal({ known: 2, answered: 2 })
    const kept = apis.map(({ slice }) => slice.cache.report())
    expect(processes.map(({ entries }) => entries)).to.have.members(
      kept.map(({ entries }) => entries),
    )
    for (const figure of ['entries', 'bytes', 'bytesMax', 'evicted', 'reads'] as const) {
      const sum = processes.reduce((total, one) => total + one[figure], 0)
      expect(together[figure], figure).to.equal(sum)
    }
    expect(together.hitRatio).to.be.within(0.1, 1)
    expect(together.epochs).to.deep.equal([kept[0]?.epoch])
    expect(together.tables['assets']).to.equal(2)
    expect(together.tables['products']).to.be.at.least(10)
    for (const { tiers, confirmedAgoMs, process } of processes) {
      expect(tiers).to.equal('memory')
      expect(confirmedAgoMs).to.be.within(0, 2_000)
      expect(process).to.match(/-changes\/\d+$/)
    }
  })

  for (const [name, table] of [
    ['list', 'products'],
    ['item', 'prices'],
    ['legacyList', 'products'],
    ['link', 'payment_links'],
  ] as const) {
    it(`inspects a kept answer (${name}): what it is, what it was made from, how long it lives`, async () => {
      await warm()
      const read = reads[name] ?? newRead()
      const served = await get(apis[0], read)
      const named = { url: read.path, organisationId: ours.organisationId }
      const found = await operator.cache.inspect.query(named)
      expect(found).to.include({ known: 2, answered: 2 })
      expect(found.keys).to.have.length(1)
      expect(found.redis).to.equal(undefined)
      for (const { memory } of found.processes) {
        expect(memory).to.deep.include({
          status: 200,
          isCurrent: true,
          etag: served.headers.get('etag'),
          bytes: Buffer.byteLength(served.text),
        })
        expect(memory?.dependencies.tags).to.include(table)
        expect(memory?.freshForSeconds).to.be.within(40, 4_000)
        expect(memory?.staleForSeconds).to.be.at.least(memory?.freshForSeconds ?? 0)
        expect(memory?.stamp.epoch).to.equal(apis[0].slice.cache.report().epoch)
        expect(memory?.hits).to.be.at.least(2)
      }
      await operator.cache.invalidate.mutate({ by: 'url', ...named })
      await until(async () => {
        const { processes } = await operator.cache.inspect.query(named)
        return processes.every(({ memory }) => memory?.isCurrent === false)
      })
    })
  }

  it('inspects what a member reads, and what nobody has read', async () => {
    const { memberId, token } = await addMember(business, ours.organisationId, 'may@example.com')
    const named = { url: '/api/v2/payment-links', organisationId: ours.organisationId, memberId }
    const before = await operator.cache.inspect.query(named)
    expect(before.processes.map(({ memory }) => memory)).to.deep.equal([undefined, undefined])
    await get(apis[1], { path: named.url, as: token })
    const after = await operator.cache.inspect.query(named)
    expect(after.processes.filter(({ memory }) => memory?.isCurrent)).to.have.length(1)
    expect(after.keys).to.deep.equal(before.keys)
    expect(after.keys).not.to.include(await keyOf('links'))
  })

  const unkept: readonly (readonly [why: string, url: string, isOurs?: boolean])[] = [
    ['no such path', '/api/v2/nothing'],
    ['no read', '/health'],
    ['no organisation', '/api/v2/products', false],
    ['differs by credential', '/api/v2/me'],
    ['a bad query', '/api/v2/products?limit=many'],
    ['a bad id', '/api/v2/products/first'],
    ['a bad path', '/api/v2/products/%E0%A4%A'],
    ['no path', 'products'],
  ]
  for (const [why, url, isOurs = true] of unkept) {
    it(`does not inspect a URL of no kept answer (${why})`, async () => {
      const named = { url, ...(isOurs && { organisationId: ours.organisationId }) }
      const refusal = await refusalOf(operator.cache.inspect.query(named))
      expect(refusal.data?.code).to.equal('BAD_REQUEST')
    })
  }

  it('lets a viewer look and try, and change nothing', async () => {
    await warm()
    const viewer = adminClient(origin, tokens.viewer)
    expect((await viewer.cache.dryRun.query({ by: 'everything' })).answered).to.equal(2)
    expect((await viewer.cache.stats.query()).answered).to.equal(2)
    const refusal = await refusalOf(
      viewer.cache.invalidate.mutate({ by: 'everything', confirm: true }),
    )
    expect(refusal.data?.code).to.equal('FORBIDDEN')
    await Promise.all(apis.map(({ slice }) => slice.cache.catchUp()))
    expect(await Promise.all(apis.map((api) => missing(api)))).to.deep.equal([[], []])
  })

  it('logs who invalidated what, without what was searched for', async () => {
    said.length = 0
    const { path: url } = newRead()
    await operator.cache.invalidate.mutate({ by: 'url', url, organisationId: ours.organisationId })
    expect(said).to.have.length(1)
    expect(JSON.parse(said[0] ?? '')).to.deep.include({
      msg: 'cache invalidated on request',
      target: { by: 'url', url: '/api/v2/products', organisationId: ours.organisationId },
    })
    expect(said[0])
      .to.match(/"adminTokenId":"[\da-f-]{36}"/)
      .and.not.to.include('limit')
  })

  it('says how many have answered of those that there are, and leaves no reply behind', async () => {
    await business.db.run(sql`
      insert into cache_replies values (gen_random_uuid(), 'late', '{}', now() - interval '2 minutes')`)
    const hasty = adminClient(await startAdmin(business), tokens.operator)
    const silent = new Client({ connectionString: business.url, application_name: 'old-changes' })
    await silent.connect()
    try {
      const { known, answered } = await hasty.cache.stats.query()
      expect({ known, answered }).to.deep.equal({ known: 3, answered: 2 })
    } finally {
      await silent.end()
    }
    expect(await business.db.run(sql`select * from cache_replies`)).to.deep.equal([])
  })

  it('passes over questions that it does not understand', async () => {
    for (const payload of ['', '{', '{"id":1}', '{"kind":"flushall"}']) {
      await business.db.run(sql`select pg_notify('cache_requests', ${payload})`)
    }
    expect((await operator.cache.stats.query()).answered).to.equal(2)
  })

  it('speaks plain HTTP as README says', async () => {
    const input = encodeURIComponent('{"by":"pattern","pattern":"products:*"}')
    const answer = await fetch(`${origin}/trpc/cache.dryRun?input=${input}`, {
      headers: headersOf(tokens.operator),
    })
    expect(answer.status).to.equal(200)
    expect(await answer.json()).to.have.nested.property('result.data.known', 2)
  })
})
