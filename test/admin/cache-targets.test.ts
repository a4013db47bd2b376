import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'

type Target = Parameters<AdminClient['cache']['invalidate']['mutate']>[0]

const id = '01900000-0000-7000-8000-0000000000ab'

describe('what operators may invalidate, where no process keeps answers', () => {
  let business: Business
  let operator: AdminClient

  before(async () => {
    business = await openBusiness()
    const { text } = await issueAdminToken(business, { name: 'operator', role: 'operator' })
    operator = adminClient(await startAdmin(business), text)
  })
  after(() => business.lifecycle.stop())

  const good: readonly (readonly [what: string, target: Target, tags: readonly string[]])[] = [
    ['a table', { by: 'tag', tags: ['products'] }, ['products']],
    ['a row', { by: 'tag', tags: [`products:${id.toUpperCase()}`] }, [`products:${id}`]],
    [
      'rows with a value',
      { by: 'tag', tags: [`products.organisation_id=${id.toUpperCase()}`] },
      [`products.organisation_id=${id}`],
    ],
    ['any row', { by: 'tag', tags: ['products.*'] }, ['products.*']],
    ['a family', { by: 'pattern', pattern: 'products:*' }, ['products']],
    ['a family, written otherwise', { by: 'pattern', pattern: 'products.*' }, ['products']],
    [
      'a family of one row',
      { by: 'pattern', pattern: `products:${id.toUpperCase()}` },
      [`products:${id}`],
    ],
    [
      'an organisation',
      { by: 'organisation', organisationId: id.toUpperCase() },
      [`@organisation=${id}`],
    ],
    ['a key', { by: 'key', key: 'public\n/a\n1\n[]' }, ['@key=public\n/a\n1\n[]']],
  ]
  for (const [what, target, tags] of good) {
    it(`takes ${what}, as PostgreSQL writes it, and asks nobody`, async () => {
      expect(await operator.cache.invalidate.mutate(target)).to.deep.equal({ tags })
      const cost = await operator.cache.dryRun.query(target)
      expect(cost).to.deep.include({ tags, known: 0, answered: 0, entries: 0, routes: [] })
    })
  }

  it('says that nobody has answered when it is asked about a URL', async () => {
    const url = '/api/v2/assets'
    for (const call of [
      operator.cache.inspect.query({ url }),
      operator.cache.invalidate.mutate({ by: 'url', url }),
    ]) {
      const { data } = await refusalOf(call)
      expect(data).to.include({ code: 'SERVICE_UNAVAILABLE', slug: 'cache/nobody-answered' })
    }
  })

  const bad: readonly (readonly [what: string, target: unknown, told: string])[] = [
    ['a tag that is none', { by: 'tag', tags: ['products:*', '*'] }, 'table:id'],
    ['an empty tag', { by: 'tag', tags: [''] }, 'table:id'],
    ['a tag of 301 characters', { by: 'tag', tags: [`a:${'x'.repeat(299)}`] }, 'table:id'],
    ['a tag that no text of PostgreSQL is', { by: 'tag', tags: ['a:\0'] }, 'table:id'],
    ['a tag of 10 KB', { by: 'tag', tags: [`a:${'x'.repeat(10_240)}`] }, 'table:id'],
    ['no tags', { by: 'tag', tags: [] }, 'tags'],
    ['101 tags', { by: 'tag', tags: Array.from({ length: 101 }, () => 'a') }, '100'],
    ['a pattern for everything', { by: 'pattern', pattern: '*' }, 'table:*'],
    ['a pattern within a value', { by: 'pattern', pattern: 'products:01*' }, 'table:*'],
    ['a pattern of a column', { by: 'pattern', pattern: 'products.title=*' }, 'table:*'],
    ['an organisation that is none', { by: 'organisation', organisationId: 'harbour' }, 'UUID'],
    ['another way', { by: 'magic' }, 'everything'],
  ]
  for (const [what, target, told] of bad) {
    it(`refuses ${what}, and says what there is`, async () => {
      const input = target as Target
      for (const call of [operator.cache.dryRun.query, operator.cache.invalidate.mutate]) {
        const refusal = await refusalOf(call(input))
        expect(refusal.data?.code).to.equal('BAD_REQUEST')
        expect(JSON.stringify(refusal.data)).to.include(told)
      }
    })
  }

  for (const given of [{}, { confirm: false }, { confirm: 'true' }]) {
    it(`invalidates everything only when that is confirmed: ${JSON.stringify(given)}`, async () => {
      const input = { by: 'everything', ...given } as { by: 'everything'; confirm: true }
      const refusal = await refusalOf(operator.cache.invalidate.mutate(input))
      expect(refusal.data?.code).to.equal('BAD_REQUEST')
      expect(JSON.stringify(refusal.data)).to.include('confirm')
    })
  }

  it('takes 100 tags of 300 characters; to count them is more than a notification holds', async () => {
    const tags = Array.from({ length: 100 }, (_, n) => `a:${String(n).padStart(298, '0')}`)
    const done = await operator.cache.invalidate.mutate({ by: 'tag', tags })
    expect(done).to.deep.equal({ tags })
    const many = { by: 'tag' as const, tags: tags.slice(0, 27) }
    const refusal = await refusalOf(operator.cache.dryRun.query(many))
    expect(refusal.data).to.include({ code: 'PAYLOAD_TOO_LARGE', slug: 'cache/question-too-long' })
  })
})
