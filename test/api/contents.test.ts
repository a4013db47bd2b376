import { expect } from 'chai'
import { sql } from 'kysely'
import { rollUpInteractions, updateContentEngagementScores } from '#content'
import { startApi, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'

describe('contents', () => {
  let business: Business
  let api: Api
  let ours: Tenant
  let theirs: Tenant
  let memberId: string
  let token: string
  let keys = 0

  before(async () => {
    business = await openBusiness()
    api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
    ours = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    const member = await addMember(business, ours.organisationId, 'reader@example.org')
    memberId = member.memberId
    token = member.token
  })
  after(() => business.lifecycle.stop())

  type Options = { as?: string; headers?: Record<string, string> }
  const post = (path: string, body: unknown, { as = ours.secretKey, headers }: Options = {}) =>
    api.call('POST', `/api/v2/${path}`, {
      as,
      body,
      headers: { 'idempotency-key': `key-${(keys += 1)}`, ...headers },
    })
  const get = (path: string, as = ours.secretKey) => api.call('GET', `/api/v2/${path}`, { as })
  const patch = (id: string, version: number, body: unknown) =>
    api.call('PATCH', `/api/v2/contents/${id}`, {
      as: ours.secretKey,
      body,
      headers: { 'if-match': `"${version}"` },
    })
  const create = async (slug: string, more: object = {}): Promise<string> =>
    (await post('contents', { slug, title: slug, status: 'published', ...more })).json.data.id
  const interact = (id: string, body: object, options: Options = { as: token }) =>
    post(`contents/${id}/interactions`, body, options)
  const count = async (): Promise<void> => {
    await rollUpInteractions(business)
    await updateContentEngagementScores(business, { at: business.clock.now() })
  }
  const counters = async (id: string) => {
    await count()
    const [row] = await business.db.run(sql<Record<string, number>>`
      select view_count::integer as views, like_count::integer as likes, share_count::integer as shares,
             comment_count::integer as comments, purchase_count::integer as purchases,
             (select count(*)::integer from interactions where content_id = ${id}::uuid) as kept, engagement_score as score
        from content_scores where content_id = ${id}::uuid`)
    return row ?? {}
  }
  const slugOf = ({ json }: { json: any }): string => json.type.split('/problems/')[1]

  describe('that are written', () => {
    it('are drafts that only editors see, until they are published', async () => {
      const made = await post('contents', { slug: 'first', title: 'First', tags: ['sea', 'salt'] })
      expect(made.status).to.equal(201)
      const { id } = made.json.data
      expect(made.headers.get('location')).to.equal(`/api/v2/editorial/contents/${id}`)
      expect((await get(`contents/${id}`)).status).to.equal(404)
      expect((await get(`editorial/contents/${id}`)).json.data.status).to.equal('draft')
      expect((await get(`editorial/contents/${id}`, ours.publishableKey)).status).to.equal(403)
      const published = await post(`contents/${id}/publish`, {})
      expect(published.json.data.status).to.equal('published')
      const shown = await get(`contents/${id}?expand=tags.tag`, ours.publishableKey)
      const names = shown.json.data.tags.data.map(({ tag }: any) => tag.name)
      expect(names.toSorted()).to.deep.equal(['salt', 'sea'])
    })

    it('are found by tag, and no longer once they lost it or are archived', async () => {
      const id = await create('tagged', { tags: ['rope'] })
      const [tag] = (await get('tags?namePrefix=rope')).json.data
      const listed = async () =>
        (await get(`tags/${tag.id}/contents`)).json.data.map((one: any) => one.contentId)
      expect(await listed()).to.deep.equal([id])
      await patch(id, 1, { tags: ['knot'] })
      expect(await listed()).to.deep.equal([])
      await patch(id, 2, { tags: ['rope'], status: 'archived' })
      expect(await listed()).to.deep.equal([])
      await patch(id, 3, { status: 'published' })
      expect(await listed()).to.deep.equal([id])
    })

    it('may be published ahead: nobody finds them before', async () => {
      const publishedAt = new Date(Date.now() + 3_600_000).toISOString()
      const id = await create('ahead', { publishedAt })
      expect((await get(`contents/${id}`)).status).to.equal(404)
      expect((await interact(id, { type: 'view' })).status).to.equal(404)
    })

    it('keep their slug to themselves, and know only what is of their organisation', async () => {
      await create('taken')
      const again = await post('contents', { slug: 'taken', title: 'Again' })
      expect([again.status, slugOf(again)]).to.deep.equal([409, 'content/slug-taken'])
      const stranger = await addMember(business, theirs.organisationId, 'author@example.org')
      const author = await post('contents', { slug: 'a', title: 'A', authorId: stranger.memberId })
      expect(slugOf(author)).to.equal('content/author-unknown')
      const product = await post('contents', { slug: 'a', title: 'A', productId: memberId })
      expect(slugOf(product)).to.equal('content/product-unknown')
      const id = await create('mine')
      expect((await patch(id, 7, { title: 'B' })).status).to.equal(412)
      const foreign = await api.call('DELETE', `/api/v2/contents/${id}`, { as: theirs.secretKey })
      expect(foreign.status).to.equal(404)
      expect(
        (await api.call('DELETE', `/api/v2/contents/${id}`, { as: ours.secretKey })).status,
      ).to.equal(204)
      expect((await get(`contents/${id}`)).status).to.equal(404)
    })

    it('are refused with every fault at once', async () => {
      const { status, json } = await post('contents', {
        slug: 'No Slug',
        title: '',
        body: 'x'.repeat(50_001),
        tags: ['Two Words'],
        colour: 'red',
      })
      expect(status).to.equal(400)
      expect(json.errors.map(({ pointer }: any) => pointer)).to.include.members([
        '#/slug',
        '#/title',
        '#/body',
        '#/tags/0',
      ])
    })
  })

  describe('that members interact with', () => {
    it('are liked once, and unliked only by who likes them', async () => {
      const id = await create('liked')
      const outcomes = []
      for (const type of ['unlike', 'like', 'like', 'unlike', 'unlike', 'like']) {
        outcomes.push((await interact(id, { type })).json.data.isRecorded)
      }
      expect(outcomes).to.deep.equal([false, true, false, true, false, true])
      expect(await counters(id)).to.include({ likes: 1, kept: 3 })
    })

    it('are liked once also by ten requests at the same time', async () => {
      const id = await create('liked-at-once')
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => interact(id, { type: 'like' })),
      )
      expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 200))
      expect(answers.filter(({ json }) => json.data.isRecorded)).to.have.length(1)
      expect(await counters(id)).to.include({ likes: 1, kept: 1 })
    })

    it('count one view, share and comment of a member in an hour, and keep every comment', async () => {
      const id = await create('repeated')
      const other = await addMember(business, ours.organisationId, 'other@example.org')
      for (let turn = 0; turn < 3; turn += 1) {
        await interact(id, { type: 'view' })
        await interact(id, { type: 'share' })
        await interact(id, { type: 'comment', comment: `Comment ${turn}` })
      }
      await interact(id, { type: 'view' }, { as: other.token })
      const earlier = new Date(Date.now() - 3_600_000).toISOString()
      await interact(id, { type: 'view', occurredAt: earlier })
      expect(await counters(id)).to.include({ views: 3, shares: 1, comments: 1, kept: 7 })
      const { json } = await get(`contents/${id}/comments`)
      const said = json.data.map(({ comment }: any) => comment)
      expect(said).to.deep.equal(['Comment 2', 'Comment 1', 'Comment 0'])
    })

    it('gain next to nothing by three hundred views of one member', async () => {
      const id = await create('pushed')
      await interact(id, { type: 'view' })
      const once = await counters(id)
      for (let turn = 0; turn < 30; turn += 1) {
        await Promise.all(Array.from({ length: 10 }, () => interact(id, { type: 'view' })))
      }
      const often = await counters(id)
      expect(often).to.include({ views: 1, kept: 1 })
      expect(often['score']).to.be.at.most(once['score'] ?? 0)
    })

    it('hear the same interaction once, by its key and by the name its client gave it', async () => {
      const id = await create('heard')
      const clientId = business.random.uuid()
      const body = { type: 'purchase', memberId, clientId }
      const headers = { 'idempotency-key': 'the-same' }
      const first = await interact(id, body, { headers })
      const again = await interact(id, body, { headers })
      expect(again.headers.get('idempotent-replayed')).to.equal('true')
      expect(again.json).to.deep.equal(first.json)
      expect((await interact(id, body, {})).json.data.isRecorded).to.equal(false)
      expect((await interact(id, { ...body, clientId: undefined }, {})).status).to.equal(200)
      expect(await counters(id)).to.include({ purchases: 2 })
    })

    it('are in the history of the member, and in nobody else’s', async () => {
      const id = await create('remembered')
      await interact(id, { type: 'share' })
      const { json } = await get(`members/${memberId}/interactions?expand=content&limit=1`, token)
      expect(json.data[0]).to.include({ type: 'share', contentId: id })
      expect(json.data[0].content.slug).to.equal('remembered')
      expect((await get(`members/${memberId}/interactions`, theirs.secretKey)).status).to.equal(404)
    })

    it('refuse what is not of this organisation, not published, not known or not possible', async () => {
      const id = await create('open')
      const draft = (await post('contents', { slug: 'draft', title: 'Draft' })).json.data.id
      const gone = await addMember(business, ours.organisationId, 'gone@example.org')
      await business.db.run(
        sql`update members set status = 'removed' where id = ${gone.memberId}::uuid`,
      )
      const stranger = await addMember(business, theirs.organisationId, 'stranger@example.org')
      const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
      const cases: readonly (readonly [string, number, object, Options?, string?])[] = [
        ['read/not-found', 404, { type: 'view' }, { as: token }, draft],
        ['read/not-found', 404, { type: 'view' }, { as: token }, 'nothing'],
        [
          'read/not-found',
          404,
          { type: 'view', memberId: stranger.memberId },
          { as: theirs.secretKey },
        ],
        ['content/member-needed', 400, { type: 'view' }, {}],
        ['content/member-unknown', 400, { type: 'view', memberId: stranger.memberId }, {}],
        ['content/member-inactive', 409, { type: 'view', memberId: gone.memberId }, {}],
        ['content/member-foreign', 403, { type: 'view', memberId: gone.memberId }],
        ['content/purchase-not-yours', 403, { type: 'purchase' }],
        ['content/instant-future', 400, { type: 'view', occurredAt: hour(1) }],
        ['content/instant-past', 400, { type: 'view', occurredAt: hour(-25) }],
        ['http/body-invalid', 400, { type: 'stare' }],
        ['http/body-invalid', 400, { type: 'view', comment: 'Seen' }],
        ['http/body-invalid', 400, { type: 'comment' }],
        ['http/body-invalid', 400, { type: 'comment', comment: 'x'.repeat(2_001) }],
        ['http/body-too-large', 413, { type: 'comment', comment: 'x'.repeat(1_000_000) }],
        ['http/scope-missing', 403, { type: 'view' }, { as: ours.publishableKey }],
      ]
      for (const [slug, status, body, options = { as: token }, at = id] of cases) {
        const answer = await interact(at, body, options)
        expect([answer.status, slugOf(answer)], JSON.stringify(body).slice(0, 80)).to.deep.equal([
          status,
          slug,
        ])
      }
      expect(await counters(id)).to.include({ kept: 0 })
    })
  })

  describe('that are ranked', () => {
    it('stand by their scores, and show them; what is kept does not end with a score', async () => {
      const [good, better] = [await create('good'), await create('better')]
      for (const [id, turns] of [
        [good, 400],
        [better, 800],
      ] as const) {
        for (let turn = 0; turn < turns; turn += 100) {
          await interact(id, { type: 'purchase', memberId }, {})
        }
      }
      await count()
      const top = async () => (await get('contents/top?limit=2')).json.data
      expect((await top()).map(({ slug }: any) => slug)).to.deep.equal(['better', 'good'])
      for (const name of ['top', 'trending']) {
        const { json } = await get(`contents/${name}?id=${better}`)
        expect(json.data[0]).to.include({ slug: 'better', purchaseCount: '8' })
        expect(json.data[0].engagementScore).to.be.within(0.1, 1)
      }
      await get('contents/top?limit=2')
      await business.db.run(sql`update content_scores set engagement_score = engagement_score / 2`)
      const { headers } = await get('contents/top?limit=2')
      expect(headers.get('cache-status')).to.match(/hit/)
    })

    it('leave every ranking at once when they are unpublished, changed or deleted, and enter it when published', async () => {
      const id = await create('moving')
      const places = async () =>
        (await get('contents/top?limit=100')).json.data.map(({ slug }: any) => slug)
      expect(await places()).to.include('moving')
      await patch(id, 1, { status: 'archived' })
      expect(await places()).to.not.include('moving')
      await post(`contents/${id}/publish`, {})
      expect(await places()).to.include('moving')
      await patch(id, 3, { slug: 'moved' })
      expect(await places()).to.include('moved')
      await api.call('DELETE', `/api/v2/contents/${id}`, { as: ours.secretKey })
      expect(await places()).to.not.include('moved')
    })
  })
})
