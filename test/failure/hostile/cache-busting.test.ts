import fc from 'fast-check'
import { expect } from 'chai'
import { openHarbour, type Harbour } from '../../support/harbour.ts'

// H14: questions that differ only in how they are written, and paths that some caches take for files.

describe('an API whose cache is to be emptied or tricked', () => {
  let harbour: Harbour
  before(async () => {
    harbour = await openHarbour({ cache: { tiers: 'memory' } }, 5)
  })
  after(() => harbour.business.lifecycle.stop())

  const get = (path: string, as = harbour.tenant.secretKey) => harbour.api.call('GET', path, { as })
  const list = '/api/v2/payment-links'
  const kept = (): number => harbour.api.slice.cache.report().entries

  it('gives one answer to a question, however it is written', async () => {
    const spellings = [
      'limit=2&status=open,draft&sort=-createdAt',
      'sort=-createdAt&status=open,draft&limit=2',
      'status=draft,open&limit=2&sort=-createdAt',
      'status=draft,open,draft&limit=2&sort=-createdAt',
      'limit=2&status=%6fpen%2cdraft&sort=%2dcreatedAt',
      '%6cimit=2&status=open,draft',
      'limit=2&status=open,draft',
      'limit=2&status=open,draft&count=none',
      '&limit=2&&status=open,draft&',
    ]
    const first = await get(`${list}?${spellings[0]}`)
    expect(first.status).to.equal(200)
    const entries = kept()
    for (const spelling of spellings) {
      const { headers, text } = await get(`${list}?${spelling}`)
      expect(headers.get('cache-status'), spelling).to.match(/^memory; hit/)
      expect(text).to.equal(first.text)
    }
    expect(kept()).to.equal(entries)
  })

  it('refuses what it does not know, and keeps nothing of it', async () => {
    const paths = [list, '/api/payment-links', '/api/v2/me', '/api/v2/assets/GBP']
    for (const path of paths) {
      await get(path)
    }
    const entries = kept()
    const name = fc.constantFrom('_', 'cb', 'utm_source', 'v', 't', 'fbclid', 'callback')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), name, fc.uuid(), async (path, key, value) => {
        expect((await get(`${path}?${key}=${value}`)).status).to.equal(400)
      }),
      { numRuns: 100, seed: 7 },
    )
    for (let index = 0; index < 50; index += 1) {
      expect((await get(`/api/v2/nothing-${index}`)).status).to.equal(404)
      expect((await get(list, `tg_sk_${index}`)).status).to.equal(401)
    }
    expect(kept()).to.equal(entries)
    for (const path of paths) {
      expect((await get(path)).headers.get('cache-status'), path).to.match(/^memory; hit/)
    }
  })

  it('knows no files: a path with an ending is nowhere, and may be stored by nobody', async () => {
    for (const path of ['/api/v2/me', list, '/api/v2/members', '/api/payment-links']) {
      expect((await get(path)).status).to.equal(200)
      for (const ending of [
        '/x.css',
        '.css',
        '.json',
        '.js',
        ';x.css',
        '%3bx.css',
        '%2fx.css',
        '%0ax.css',
        '%00.css',
        '%3f.css',
        '%23.css',
        '/..%2fx.css',
        '/',
      ]) {
        const answer = await get(`${path}${ending}`)
        expect(answer.status, `${path}${ending}`).to.equal(404)
        expect(answer.headers.get('cache-control')).to.equal('no-store')
        expect(answer.text).not.to.include(harbour.tenant.organisationId)
      }
    }
  })
})
