import { expect } from 'chai'
import fc from 'fast-check'
import { openHarbour, type Harbour } from '../../support/harbour.ts'

// H5: whatever is done to a cursor, it is refused; and H8: whatever is asked for, a page has its bound.

describe('a list and those who forge', () => {
  let harbour: Harbour
  let cursor: string
  const path = '/api/v2/payment-links?limit=2'
  const get = (of: string) => harbour.api.call('GET', of, { as: harbour.tenant.secretKey })

  before(async () => {
    harbour = await openHarbour({}, 120)
    cursor = (await get(path)).json.page.nextCursor
  })
  after(() => harbour.business.lifecycle.stop())

  const follow = async (altered: string): Promise<number> => {
    const { status, json } = await get(`${path}&cursor=${encodeURIComponent(altered)}`)
    if (status !== 200) {
      expect(json.type).to.match(/invalid-(cursor|query)$/)
    }
    return status
  }

  it('follows the cursor as it was given', async () => {
    expect(await follow(cursor)).to.equal(200)
  })

  it('refuses it with any bit turned over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(cursor.length - 1), fc.nat(6), async (at, bit) => {
        const turned = String.fromCharCode(cursor.charCodeAt(at) ^ (1 << bit))
        const altered = `${cursor.slice(0, at)}${turned}${cursor.slice(at + 1)}`
        // The last letter of base64 has bits that stand for nothing; what they say is not another cursor.
        const isLast = at === cursor.length - 1 || cursor[at + 1] === '.'
        expect(await follow(altered), altered).to.be.oneOf(isLast ? [400, 200] : [400])
      }),
      { numRuns: 200 },
    )
  })

  it('refuses what is shorter, longer, or made up', async () => {
    const parts = fc.array(fc.constantFrom('v1', 'test', '.', 'e30', 'bnVsbA', 'W10', cursor), {
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.nat(cursor.length - 1).map((length) => cursor.slice(0, length)),
          fc.string({ unit: 'binary', minLength: 1 }).map((more) => `${cursor}${more}`),
          parts.map((all) => all.join('')).filter((text) => text !== cursor),
        ),
        async (altered) => {
          expect(await follow(altered), altered).to.equal(400)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('gives no page more rows than its bound, whatever is asked for', async () => {
    for (const limit of ['1000000000', '9007199254740993', `1${'0'.repeat(29)}`]) {
      const { json } = await get(`/api/v2/payment-links?limit=${limit}`)
      expect(json.data).to.have.length(100)
      expect(json.page.limit).to.equal(100)
    }
  })
})
